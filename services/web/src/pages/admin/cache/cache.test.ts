// The console of the caches: its figures, and that nothing is emptied without a question.
import { QueryClient } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { CacheStats } from '@/api/cache'
import { plugins } from '@/test/plugins'
import CachePage from '../CachePage.vue'

const stats: CacheStats = {
  process: 'p1',
  memory: { entries: 2, bytes: 1536, capacityBytes: 64 * 1024 * 1024, hits: 5, misses: 3, outdated: 0, evictions: 0 },
  redis: { answers: false, hits: 1, misses: 0, outdated: 0, errors: 1, spared: 4 },
  database: { reads: 2, errors: 0 },
  joins: 7,
  refreshes: 0,
  reports: [{ report: 'treasury', entries: 2, bytes: 1536, memory: 5, redis: 1, database: 2 }],
}
let permissions: string[]
let cleared: string[]

beforeEach(() => {
  cleared = []
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    const answers: Record<string, unknown> = {
      '/api/permissions': { userType: 'user', tenant: null, level: 100, permissions },
      '/api/cache/stats': stats,
      '/api/cache/clear': { keys: 3 },
    }
    if (url.pathname === '/api/cache/clear') cleared.push(String(init.body))
    return Promise.resolve(Response.json(answers[url.pathname]))
  })
})
afterEach(() => vi.unstubAllGlobals())

async function page(...held: string[]) {
  permissions = held
  const client = new QueryClient()
  client.setQueryData(['catalogue'], { reports: [{ id: 'treasury', title: { ro: 'Trezorerie', en: 'Treasury' } }], refused: [] })
  const wrapper = mount(CachePage, { global: { plugins: plugins(client) } })
  await vi.waitFor(() => expect(wrapper.find('[data-report=treasury]').exists()).toBe(true))
  await flushPromises()
  return wrapper
}

it('shows how much was answered without the ERP, and a Redis that is away', async () => {
  const wrapper = await page('cache:view')
  expect(wrapper.get('[data-fact=rate]').text()).toContain('75 %')
  expect(wrapper.get('[data-fact=bytes]').text()).toContain('1,5 KiB din 64 MiB')
  expect(wrapper.get('[data-fact=redis]').classes()).toContain('bad')
  expect(wrapper.get('[data-report=treasury]').text()).toContain('Trezorerie')
  expect(wrapper.find('[data-report=treasury] button').exists()).toBe(false)
  expect(wrapper.find('[data-fact=epochs]').exists()).toBe(false)
  wrapper.unmount()
})

it('empties what was asked about, and nothing before that', async () => {
  const wrapper = await page('cache:*')
  await wrapper.get('[data-report=treasury] button').trigger('click')
  expect(wrapper.get('[data-testid=clear-question]').text()).toContain('Trezorerie')
  expect(cleared).toEqual([])
  const answers = () => wrapper.findAll('[data-testid=clear-question] button')
  await answers()[1]?.trigger('click')
  expect(answers()).toEqual([])
  await wrapper.get('[data-report=treasury] button').trigger('click')
  await answers()[0]?.trigger('click')
  await vi.waitFor(() => expect(answers()).toEqual([]))
  expect(cleared).toEqual(['{"report":"treasury"}'])
  wrapper.unmount()
})

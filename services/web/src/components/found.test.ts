// The line about how old figures are: its words, and what its button asks for.
import { QueryClient, QueryObserver } from '@tanstack/vue-query'
import { mount } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { request, type Figures } from '@/api/http'
import { plugins } from '@/test/plugins'
import FoundLine from './FoundLine.vue'

function line(found: Figures['found'], client?: QueryClient) {
  const answer = { generatedAt: '2026-11-01T08:00:00Z', ...(found && { found }) }
  return mount(FoundLine, { props: { answer }, global: { plugins: plugins(client) } })
}

afterEach(() => vi.unstubAllGlobals())

it('says when figures were read, and of kept ones how long ago that was', () => {
  const text = (found: Figures['found']) => line(found).get('[data-testid=found]').text()
  const ago = (minutes: number) => Date.now() - minutes * 60_000 - 1_000
  expect(text(undefined)).toContain('01.11.2026')
  expect(text({ source: 'database', readAt: ago(0) })).toContain('01.11.2026')
  expect(text({ source: 'memory', readAt: ago(2) })).toBe('din cache, acum 2 min')
  expect(text({ source: 'redis', readAt: ago(70) })).toBe('din cache, acum 1 oră')
})

it('reads figures anew from the database, and nothing else', async () => {
  const asked: string[] = []
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    asked.push(`${init.cache} ${url.pathname}`)
    return Promise.resolve(Response.json({}))
  })
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } })
  for (const key of ['dashboard', 'permissions']) {
    new QueryObserver(client, { queryKey: [key, 'x'], queryFn: () => request(`api/${key}`) }).subscribe(() => {})
  }
  await vi.waitFor(() => expect(client.isFetching()).toBe(0))
  asked.length = 0
  await line({ source: 'memory', readAt: Date.now() }, client).get('button').trigger('click')
  await vi.waitFor(() => expect(client.isFetching()).toBe(0))
  expect(asked).toEqual(['reload /api/dashboard'])
})

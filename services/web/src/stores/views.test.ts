import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import type { User } from '@/api/types'
import { useSession } from './session'
import { useViews, viewKey, viewPart } from './views'

const user = (id: string): User => ({ id, username: id, displayName: id, userType: 'user', tenant: null })
const late = { name: 'Restanțe', query: { filter: ['rest:gt:0.00', 'status:eq:overdue'], sort: ['-rest'] } }

/** A page that has just been loaded, with somebody signed in. */
function fresh(id: string) {
  setActivePinia(createPinia())
  useSession().user = user(id)
  return useViews()
}

beforeEach(() => localStorage.clear())

describe('views', () => {
  it('keep what of an address is neither company nor time', () => {
    const query = { server: 'main', company: '7', p: '2026-10', from: 'a', to: 'b', sort: '-rest', filter: ['x:eq:1', 'y:empty:'], q: '' }
    expect(viewPart(query)).toEqual({ sort: ['-rest'], filter: ['x:eq:1', 'y:empty:'] })
    expect(viewKey(viewPart({ a: '1', b: '2' }))).toBe(viewKey(viewPart({ b: '2', a: '1', p: '2026-09' })))
    expect(viewKey(viewPart({ a: '1' }))).not.toBe(viewKey(viewPart({ a: '2' })))
  })

  it('come back on the next visit, to the one who named them alone', () => {
    const views = fresh('ana')
    views.save('invoices', late)
    views.setDefault('invoices', late.name)
    expect(fresh('ana').of('invoices')).toEqual({ views: [late], usual: 'Restanțe' })
    expect(fresh('ion').of('invoices').views).toEqual([])
    const again = fresh('ana')
    useSession().user = user('ion')
    expect(again.of('invoices').views, 'when somebody else signs in on the same page').toEqual([])
  })

  it('take the place of the one with the same name, when saved and when renamed', () => {
    const views = fresh('ana')
    views.save('invoices', late)
    views.save('invoices', { name: 'B', query: {} })
    views.save('invoices', { name: 'Restanțe', query: { q: ['x'] } })
    expect(views.of('invoices').views).toEqual([{ name: 'Restanțe', query: { q: ['x'] } }, { name: 'B', query: {} }])
    views.setDefault('invoices', 'B')
    views.rename('invoices', 'B', 'Restanțe')
    expect(views.of('invoices')).toEqual({ views: [{ name: 'Restanțe', query: {} }], usual: 'Restanțe' })
  })

  it('open by default until they are removed or another is chosen', () => {
    const views = fresh('ana')
    views.save('invoices', late)
    expect(views.defaultOf('invoices')).toBeUndefined()
    views.setDefault('invoices', 'Restanțe')
    expect(views.defaultOf('invoices')).toEqual(late)
    expect(views.defaultOf('journal')).toBeUndefined()
    expect(views.defaultOf(undefined)).toBeUndefined()
    views.save('invoices', { name: 'Toate', query: {} })
    views.setDefault('invoices', 'Toate')
    expect(views.defaultOf('invoices'), 'which would lead from an address to itself').toBeUndefined()
    views.remove('invoices', 'Toate')
    views.setDefault('invoices', 'Restanțe')
    views.remove('invoices', 'Restanțe')
    expect(views.of('invoices')).toEqual({ views: [], usual: null })
  })

  it('survive what another hand left in storage', () => {
    const place = 'reportapp:/:views:ana'
    for (const broken of ['7', '{"invoices":3}', '{"invoices":{"views":[null,{"name":1},{"name":"A","query":{"q":"x","p":"2026-10"}}],"usual":"B"}}']) {
      localStorage.setItem(place, broken)
      expect(['A', undefined]).toContain(fresh('ana').of('invoices').views[0]?.name)
      expect(fresh('ana').of('invoices').usual).toBeNull()
    }
    expect(fresh('ana').of('invoices').views).toEqual([{ name: 'A', query: { q: ['x'] } }])
  })
})

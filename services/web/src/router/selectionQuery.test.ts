import { describe, expect, it } from 'vitest'
import { withQuery } from './query'
import { readSelectionQuery, writeSelectionQuery, type SelectionQuery } from './selectionQuery'

describe('company and time in an address', () => {
  const read = (query: Record<string, unknown>) => readSelectionQuery(query)

  it('are read back as they were written', () => {
    const spans: SelectionQuery['span'][] = [
      { kind: 'month', year: 2026, month: 10 },
      { kind: 'quarter', year: 2026, quarter: 3 },
      { kind: 'year', year: 2026 },
      { kind: 'days', from: '2026-10-05', to: '2026-11-04' },
      null,
    ]
    for (const span of spans) {
      const state: SelectionQuery = { server: 'main', company: '7', span }
      expect(read(withQuery({}, writeSelectionQuery(state)))).toEqual(state)
    }
    expect(withQuery({}, writeSelectionQuery({ server: 'main', company: '7', span: spans[1]! }))).toEqual({ server: 'main', company: '7', p: '2026-q3' })
  })

  it('replace each other: a month never stands beside days', () => {
    const days = { from: '2026-10-05', to: '2026-11-04', q: 'x' }
    expect(withQuery(days, writeSelectionQuery({ server: undefined, company: undefined, span: { kind: 'year', year: 2026 } }))).toEqual({ p: '2026', q: 'x' })
  })

  it('are ignored when broken, and the first of a repeated name counts', () => {
    expect(read({ server: '', p: '2026-99', from: '2026-02-30', to: 'x', other: 'y' })).toEqual(read({}))
    expect(read({ company: ['1', '2'] }).company).toBe('1')
    expect(read({ from: '2026-10-01', to: '2026-10-31' }).span).toEqual({ kind: 'month', year: 2026, month: 10 })
  })
})

import { describe, expect, it } from 'vitest'
import { formatPeriod, parsePeriod, periodKey, samePeriod } from './period'

describe('periods', () => {
  it('read their own form and nothing else', () => {
    expect(parsePeriod('2026-10')).toEqual({ year: 2026, month: 10 })
    for (const text of [undefined, '', '2026', '2026-13', '2026-00', '2026-1', '26-10', '2026-10-01']) {
      expect(parsePeriod(text)).toBeNull()
    }
  })

  it('are written so that they read back and sort as text', () => {
    expect(periodKey({ year: 2026, month: 3 })).toBe('2026-03')
    expect(parsePeriod(periodKey({ year: 2026, month: 3 }))).toEqual({ year: 2026, month: 3 })
  })

  it('are named in the language of the page', () => {
    expect(formatPeriod({ year: 2026, month: 10 }, 'ro')).toBe('octombrie 2026')
    expect(formatPeriod({ year: 2026, month: 10 }, 'en')).toBe('October 2026')
  })

  it('are the same only when both are known and equal', () => {
    expect(samePeriod({ year: 2026, month: 1 }, { year: 2026, month: 1 })).toBe(true)
    expect(samePeriod({ year: 2026, month: 1 }, { year: 2025, month: 1 })).toBe(false)
    expect(samePeriod(null, null)).toBe(false)
  })
})

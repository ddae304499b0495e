import { describe, expect, it } from 'vitest'
import type { Period } from '@/api/types'
import { daysSpan, formatSpan, lastMonthIn, parseSpan, shortQuarter, spanDays, spanKey, stepSpan, touches, type Span } from './span'

const month: Span = { kind: 'month', year: 2026, month: 2 }
const quarter: Span = { kind: 'quarter', year: 2026, quarter: 3 }
const year: Span = { kind: 'year', year: 2024 }
const days: Span = { kind: 'days', from: '2026-10-05', to: '2026-11-04' }

describe('spans', () => {
  it('read back what they wrote, and nothing else', () => {
    for (const span of [month, quarter, year, days]) expect(parseSpan(spanKey(span))).toEqual(span)
    for (const text of [undefined, '', '2026-13', '2026-q5', '26', '2026-10-05', '2026-10-05..', '2026-02-30..2026-03-01', '2026-03-02..2026-03-01', 'a..b', '2026-01-01..2026-01-02..2026-01-03']) {
      expect(parseSpan(text), text).toBeNull()
    }
  })

  it('cover their first to their last day', () => {
    expect(spanDays(month)).toEqual({ from: '2026-02-01', to: '2026-02-28' })
    expect(spanDays({ kind: 'month', year: 2024, month: 2 }).to).toBe('2024-02-29')
    expect(spanDays(quarter)).toEqual({ from: '2026-07-01', to: '2026-09-30' })
    expect(spanDays(year)).toEqual({ from: '2024-01-01', to: '2024-12-31' })
  })

  it('call days by the name of the month, quarter or year they are', () => {
    expect(daysSpan('2026-02-01', '2026-02-28')).toEqual(month)
    expect(daysSpan('2026-07-01', '2026-09-30')).toEqual(quarter)
    expect(daysSpan('2024-01-01', '2024-12-31')).toEqual(year)
    expect(daysSpan('2026-07-01', '2026-09-29')).toEqual({ kind: 'days', from: '2026-07-01', to: '2026-09-29' })
  })

  it('step by their own length, over the ends of years', () => {
    expect(stepSpan({ kind: 'month', year: 2026, month: 1 }, -1)).toEqual({ kind: 'month', year: 2025, month: 12 })
    expect(stepSpan({ kind: 'quarter', year: 2026, quarter: 4 }, 1)).toEqual({ kind: 'quarter', year: 2027, quarter: 1 })
    expect(stepSpan({ kind: 'quarter', year: 2026, quarter: 1 }, -1)).toEqual({ kind: 'quarter', year: 2025, quarter: 4 })
    expect(stepSpan(year, 1)).toEqual({ kind: 'year', year: 2025 })
    expect(stepSpan({ kind: 'days', from: '2026-03-10', to: '2026-03-16' }, -1)).toEqual({ kind: 'days', from: '2026-03-03', to: '2026-03-09' })
    expect(stepSpan({ kind: 'days', from: '2026-01-01', to: '2026-02-28' }, 1)).toEqual({ kind: 'days', from: '2026-03-01', to: '2026-04-30' })
  })

  it('find the month that stands for them and whether they touch the books', () => {
    const periods: Period[] = [{ year: 2026, month: 6 }, { year: 2026, month: 7 }, { year: 2026, month: 10 }]
    expect(lastMonthIn(quarter, periods)).toEqual({ year: 2026, month: 7 })
    expect(lastMonthIn(days, periods)).toEqual({ year: 2026, month: 10 })
    expect(lastMonthIn(month, periods)).toBeNull()
    expect(touches({ kind: 'month', year: 2026, month: 8 }, periods)).toBe(true)
    expect(touches(year, periods)).toBe(false)
    expect(touches(quarter, [])).toBe(false)
  })

  it('are named in the language of the page', () => {
    expect(formatSpan(quarter, 'ro')).toBe('trimestrul III 2026')
    expect(formatSpan(quarter, 'en')).toBe('Q3 2026')
    expect([shortQuarter(3, 'ro'), shortQuarter(3, 'en')]).toEqual(['T III', 'Q3'])
    expect(formatSpan(days, 'en')).toBe('05.10.2026 – 04.11.2026')
    expect(formatSpan(year, 'ro')).toBe('2024')
  })
})

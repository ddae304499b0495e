import { describe, expect, it } from 'vitest'
import { formatCountdown, formatMoment } from './date'
import { fold, searchWords } from './text'

describe('search text', () => {
  it('ignores case and both spellings of Romanian letters', () => {
    expect(fold('Mașini ȘI Țări')).toBe('masini si tari')
    expect(fold('Maşini')).toBe(fold('Mașini'))
    expect(fold('Împrumuturi')).toBe('imprumuturi')
  })

  it('splits a query into words', () => {
    expect(searchWords('  Clienți   interni ')).toEqual(['clienti', 'interni'])
    expect(searchWords('   ')).toEqual([])
  })
})

describe('moments', () => {
  it('show a countdown in minutes and seconds', () => {
    expect(formatCountdown(899.2)).toBe('15:00')
    expect(formatCountdown(61)).toBe('1:01')
    expect(formatCountdown(-3)).toBe('0:00')
  })

  it('leave alone what is no date', () => {
    expect(formatMoment('soon')).toBe('soon')
  })
})

import { describe, expect, it } from 'vitest'
import { difference, formatAmount, fromCents, isAmount, isNegative, isZero, sumAmounts, toCents } from './amount'

describe('amounts', () => {
  it('prints Romanian grouping and always two decimals', () => {
    expect(formatAmount('0.00')).toBe('0,00')
    expect(formatAmount('7')).toBe('7,00')
    expect(formatAmount('999.9')).toBe('999,90')
    expect(formatAmount('1234.50')).toBe('1.234,50')
    expect(formatAmount('-1234567.05')).toBe('-1.234.567,05')
  })

  it('keeps every digit of amounts beyond the precision of a float', () => {
    expect(formatAmount('90071992547409931234.57')).toBe('90.071.992.547.409.931.234,57')
  })

  it('agrees with Intl wherever Intl is exact', () => {
    const intl = new Intl.NumberFormat('ro-RO', { minimumFractionDigits: 2, signDisplay: 'negative' })
    for (const amount of ['0.01', '12.30', '100000.00', '-45678.90', '123456789.12']) {
      expect(formatAmount(amount)).toBe(intl.format(Number(amount)))
    }
  })

  it('never prints a negative zero', () => {
    expect(formatAmount('-0.00')).toBe('0,00')
    expect(isNegative('-0.00')).toBe(false)
    expect(isZero('-0.00')).toBe(true)
  })

  it('sums what floats cannot', () => {
    expect(sumAmounts(['0.10', '0.20', '-0.30'])).toBe('0.00')
    expect(sumAmounts([])).toBe('0.00')
  })

  it('gives differences without a sign', () => {
    expect(difference('10.00', '12.50')).toBe('2.50')
    expect(difference('12.50', '10.00')).toBe('2.50')
  })

  it('goes to cents and back', () => {
    for (const amount of ['0.00', '0.05', '-0.05', '10.00', '-123.45']) {
      expect(fromCents(toCents(amount))).toBe(amount)
    }
  })

  it('refuses what is not an exact amount', () => {
    for (const value of ['', '1,5', '1.234', '1e3', 'NaN', ' 1', '--1', 5, null]) {
      expect(isAmount(value)).toBe(false)
    }
    expect(() => toCents('1e3')).toThrow(RangeError)
  })
})

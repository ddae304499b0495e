import { describe, expect, it } from 'vitest'
import { changeOf } from './change'
import { formatCompact } from './compact'

describe('change against the year before', () => {
  it('has a direction, a percentage and an amount, to the cent', () => {
    expect(changeOf('112.30', '100.00')).toEqual({ direction: 'up', percent: '12,3', difference: '12.30' })
    expect(changeOf('90.05', '100.00')).toEqual({ direction: 'down', percent: '10,0', difference: '-9.95' })
    expect(changeOf('1.00', '3.00')).toMatchObject({ percent: '66,7' })
    expect(changeOf('5.00', '5.00')).toEqual({ direction: 'same', percent: '0,0', difference: '0.00' })
    expect(changeOf('-50.00', '-100.00')).toEqual({ direction: 'up', percent: '50,0', difference: '50.00' })
    expect(changeOf('90071992547409.93', '90071992547409.92').difference).toBe('0.01')
  })

  it('has no percentage from nothing, over zero, or beyond telling', () => {
    expect(changeOf('5.00', '0.00').percent).toBeNull()
    expect(changeOf('5.00', '-5.00').percent).toBeNull()
    expect(changeOf('5000.00', '1.00').percent).toBeNull()
  })
})

describe('short amounts', () => {
  it('are in thousands, millions and milliards', () => {
    const units = { thousand: 'mii', million: 'mil.', billion: 'mld.' }
    expect([0, 950, 1000, 12_500, -250_000, 1_250_000, 2_000_000_000].map((value) => formatCompact(value, units))).toEqual([
      '0', '950', '1 mii', '13 mii', '-250 mii', '1,3 mil.', '2 mld.',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import type { Amounts, BalanceRow } from '@/api/types'
import { imbalance, isZeroRow, searchRows, showsZero, sortRows, sumRows } from './rows'

const ZERO: Amounts = {
  precdeb: '0.00', preccred: '0.00', ruldeb: '0.00', rulcred: '0.00', solddeb: '0.00', soldcred: '0.00',
}
const row = (cont: string, denumire: string | null, amounts: Partial<Amounts> = {}): BalanceRow => ({
  cont, denumire, ...ZERO, ...amounts,
})
const codes = (rows: BalanceRow[]) => rows.map(({ cont }) => cont)

const rows = [
  row('1012', 'Capital subscris vărsat', { preccred: '200.00', soldcred: '200.00' }),
  row('4111', 'Clienți', { precdeb: '1000.00', ruldeb: '99999999999999999.01', rulcred: '0.10' }),
  row('4426', 'TVA deductibilă', { ruldeb: '99999999999999999.02', rulcred: '5.00' }),
  row('5121', 'Conturi la bănci în lei'),
  row('999', null),
]

describe('search', () => {
  it('finds names without diacritics and codes by their beginning', () => {
    expect(codes(searchRows(rows, 'clienti'))).toEqual(['4111'])
    expect(codes(searchRows(rows, 'BĂNCI LEI'))).toEqual(['5121'])
    expect(codes(searchRows(rows, '4'))).toEqual(['4111', '4426'])
    expect(codes(searchRows(rows, '111'))).toEqual([])
  })

  it('asks every word of the query', () => {
    expect(codes(searchRows(rows, '44 tva'))).toEqual(['4426'])
    expect(codes(searchRows(rows, '41 tva'))).toEqual([])
  })

  it('shows everything for an empty query', () => {
    expect(searchRows(rows, '  ')).toHaveLength(rows.length)
  })
})

describe('order', () => {
  it('keeps the order of the accounts by default', () => {
    expect(codes(sortRows(rows, null))).toEqual(codes(rows))
  })

  it('treats codes as text', () => {
    expect(codes(sortRows([row('512', ''), row('4111', '')], { key: 'cont', descending: false }))).toEqual(['4111', '512'])
  })

  it('tells amounts apart that are equal as floats', () => {
    expect(codes(sortRows(rows, { key: 'ruldeb', descending: true })).slice(0, 2)).toEqual(['4426', '4111'])
  })

  it('puts accounts without a name last in both directions', () => {
    expect(codes(sortRows(rows, { key: 'denumire', descending: false })).at(-1)).toBe('999')
    expect(codes(sortRows(rows, { key: 'denumire', descending: true })).at(-1)).toBe('999')
  })

  it('never changes the rows it was given', () => {
    const before = codes(rows)
    sortRows(rows, { key: 'cont', descending: true })
    expect(codes(rows)).toEqual(before)
  })
})

describe('zeros', () => {
  it('asks all six amounts before calling an account zero', () => {
    expect(isZeroRow(row('1', null))).toBe(true)
    expect(isZeroRow(row('1', null, { ruldeb: '0.01', rulcred: '0.01' }))).toBe(false)
  })

  it('shows a closing balance that came to zero but leaves missing movement blank', () => {
    const settled = row('401', null, { preccred: '5.00', ruldeb: '5.00' })
    expect(showsZero(settled, 'solddeb')).toBe(true)
    expect(showsZero(settled, 'rulcred')).toBe(false)
    expect(showsZero(row('1', null), 'solddeb')).toBe(false)
    expect(showsZero(row('1', null, { solddeb: '5.00' }), 'soldcred')).toBe(false)
  })
})

describe('totals', () => {
  it('are exact', () => {
    expect(sumRows(rows).ruldeb).toBe('199999999999999998.03')
    expect(sumRows([]).soldcred).toBe('0.00')
  })

  it('balance only when all three pairs do', () => {
    expect(imbalance(ZERO)).toBeNull()
    expect(imbalance({ ...ZERO, ruldeb: '10.00', rulcred: '7.50' })).toEqual({ pair: 'rul', amount: '2.50' })
    expect(imbalance({ ...ZERO, soldcred: '0.01' })).toEqual({ pair: 'sold', amount: '0.01' })
  })
})

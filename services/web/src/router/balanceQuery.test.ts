import { describe, expect, it } from 'vitest'
import { readBalanceQuery, writeBalanceQuery, type BalanceQuery } from './balanceQuery'
import { withQuery } from './query'

const full: BalanceQuery = { search: 'clienți', showZeros: true, level: 'synthetic', sort: { key: 'ruldeb', descending: true } }

describe('address of the trial balance', () => {
  it('reads back what it wrote', () => {
    const query = writeBalanceQuery(full)
    expect(query).toEqual({ q: 'clienți', zero: '1', level: 'synthetic', sort: '-ruldeb' })
    expect(readBalanceQuery(query)).toEqual(full)
  })

  it('leaves defaults out and what belongs to others alone', () => {
    const empty = readBalanceQuery({})
    expect(empty).toEqual({ search: '', showZeros: false, level: 'analytic', sort: null })
    expect(withQuery({ company: '7', q: 'x', zero: '1' }, writeBalanceQuery(empty))).toEqual({ company: '7' })
  })

  it('ignores unknown and broken values', () => {
    expect(readBalanceQuery({ zero: 'yes', level: 'x', sort: '-password', q: null, other: 'x' })).toEqual(readBalanceQuery({}))
  })

  it('treats ascending account order as the default', () => {
    expect(readBalanceQuery({ sort: 'cont' }).sort).toBeNull()
    expect(readBalanceQuery({ sort: '-cont' }).sort).toEqual({ key: 'cont', descending: true })
  })
})

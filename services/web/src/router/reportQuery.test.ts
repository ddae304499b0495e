import { describe, expect, it } from 'vitest'
import { readReportQuery, writeReportQuery, type ReportQuery } from './reportQuery'

const full: ReportQuery = {
  server: 'main',
  company: '7',
  period: { year: 2026, month: 10 },
  search: 'clienți',
  showZeros: true,
  sort: { key: 'ruldeb', descending: true },
}

describe('report address', () => {
  it('reads back what it wrote', () => {
    const query = writeReportQuery(full)
    expect(query).toEqual({ server: 'main', company: '7', p: '2026-10', q: 'clienți', zero: '1', sort: '-ruldeb' })
    expect(readReportQuery(query)).toEqual(full)
  })

  it('leaves defaults out', () => {
    const empty = readReportQuery({})
    expect(writeReportQuery(empty)).toEqual({})
    expect(empty.sort).toBeNull()
  })

  it('ignores unknown and broken values', () => {
    expect(
      readReportQuery({ server: '', p: '2026-99', zero: 'yes', sort: '-password', q: null, other: 'x' }),
    ).toEqual(readReportQuery({}))
  })

  it('takes the first of a repeated parameter', () => {
    expect(readReportQuery({ company: ['1', '2'] }).company).toBe('1')
  })

  it('treats ascending account order as the default', () => {
    expect(readReportQuery({ sort: 'cont' }).sort).toBeNull()
    expect(readReportQuery({ sort: '-cont' }).sort).toEqual({ key: 'cont', descending: true })
  })
})

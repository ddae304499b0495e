import { describe, expect, it } from 'vitest'
import type { ReportDefinition } from '@/api/catalogue'
import { invoices } from '@/test/reports'
import { withQuery } from './query'
import { defaultColumns, parseFilter, readReportQuery, writeReportQuery, type ReportQuery } from './reportQuery'
import { drillLocation, reportLocation } from './reportRoutes'

const read = (query: Record<string, unknown>, definition: ReportDefinition = invoices) => readReportQuery(definition, query)
const write = (state: ReportQuery, definition: ReportDefinition = invoices) => withQuery({}, writeReportQuery(definition, state))

describe('address of a report', () => {
  const full: ReportQuery = {
    parameters: { direction: 'issued', partner: '0007' },
    search: 'șoim',
    sort: [{ key: 'total', descending: true }, { key: 'number', descending: false }],
    columns: ['number', 'total', 'net'].sort((a, b) => order(a) - order(b)),
    filters: [{ column: 'total', op: 'ge', value: '100.00' }, { column: 'partnerName', op: 'contains', value: 'a:b' }, { column: 'dueOn', op: 'empty', value: '' }],
  }
  function order(name: string): number {
    return invoices.columns.findIndex((column) => column.name === name)
  }

  it('reads back what it wrote', () => {
    const query = write(full)
    expect(query).toEqual({
      direction: 'issued', partner: '0007', q: 'șoim', sort: '-total,number', cols: 'number,net,total',
      filter: ['total:ge:100.00', 'partnerName:contains:a:b', 'dueOn:empty:'],
    })
    expect(read(query)).toEqual(full)
  })

  it('leaves defaults out', () => {
    const plain = read({})
    expect(plain).toEqual({
      parameters: { direction: 'all' }, search: '', sort: [{ key: 'issuedOn', descending: true }],
      columns: defaultColumns(invoices), filters: [],
    })
    expect(write(plain)).toEqual({})
    expect(write(read({ direction: 'all', sort: '-issuedOn' }))).toEqual({})
  })

  it('ignores what the report does not know', () => {
    expect(read({ direction: 'sideways', partner: '', sort: '-password,,-', cols: 'x,y', filter: ['secret:eq:1', 'total:like:1', 'total:ge:ten', 'issuedOn:eq:2026-02-30', 'total'], other: '1' })).toEqual(read({}))
    expect(read({ sort: '-total,total,password' }).sort).toEqual([{ key: 'total', descending: true }])
  })

  it('keeps a parameter apart from a name of its own', () => {
    const odd: ReportDefinition = { ...invoices, parameters: [{ ...invoices.parameters[1]!, name: 'p' }] }
    const query = write({ ...read({}, odd), parameters: { p: 'x' } }, odd)
    expect(query).toEqual({ _p: 'x' })
    expect(read({ p: '2026-10', ...query }, odd).parameters).toEqual({ p: 'x' })
  })

  it('compares a column only as its kind allows', () => {
    expect(parseFilter(invoices, 'partnerName:gt:a')).toBeNull()
    expect(parseFilter(invoices, 'daysOverdue:gt:30')).toEqual({ column: 'daysOverdue', op: 'gt', value: '30' })
    expect(parseFilter(invoices, 'daysOverdue:notempty:whatever')).toEqual({ column: 'daysOverdue', op: 'notempty', value: '' })
  })
})

describe('the way to a report', () => {
  it('is its own address where it has one', () => {
    expect(reportLocation('invoices')).toEqual({ name: 'invoices', query: {} })
    expect(reportLocation('trial-balance-synthetic', { q: '4' })).toEqual({ name: 'balance', query: { level: 'synthetic', q: '4' } })
    expect(reportLocation('of-the-team')).toEqual({ name: 'report', params: { id: 'of-the-team' }, query: {} })
  })

  it('keeps company and time and takes what the figure says', () => {
    const selection = { server: 'main', company: '7', p: '2026-q3' }
    expect(drillLocation('ledger-card', selection, { account: '4111' })).toEqual({ name: 'ledgerCard', query: { ...selection, account: '4111' } })
    expect(drillLocation('invoices', selection, { year: '2026', month: '8', direction: 'issued' })).toEqual({
      name: 'invoices', query: { server: 'main', company: '7', p: '2026-08', direction: 'issued' },
    })
    expect(drillLocation('invoices', { ...selection }, { from: '2026-08-02', to: '2026-08-09' })).toEqual({
      name: 'invoices', query: { server: 'main', company: '7', from: '2026-08-02', to: '2026-08-09' },
    })
  })
})

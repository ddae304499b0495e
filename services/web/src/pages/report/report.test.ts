import { describe, expect, it } from 'vitest'
import type { ReportRow } from '@/api/catalogue'
import { parseOrders } from '@/router/query'
import { defaultColumns, type ColumnFilter } from '@/router/reportQuery'
import { answer, column, invoices, ROWS } from '@/test/reports'
import { boundsOf, wrongBound } from './bounds'
import { cellText, choiceTitles, isResult } from './cells'
import { reportColumns, type ColumnContext } from './columns'
import { filterWords, parameterWords } from './filterWords'
import { foldRows, groupRows, keepsTogether } from './fold'
import { filterRows, presentColumns, searchRows, sortRows, sumRows } from './rows'
import { columnName } from './titles'
import { windowsOf, withWindow } from './useWindows'

const present = presentColumns(invoices, answer())
const numbers = (rows: readonly ReportRow[]) => rows.map((row) => row[0])
const filtered = (...filters: [string, ColumnFilter['op'], string][]) =>
  numbers(filterRows(present, ROWS, filters.map(([name, op, value]) => ({ column: name, op, value }))))

describe('rows of a report', () => {
  it('are found by any text, whatever case and marks', () => {
    expect(numbers(searchRows(present, ROWS, 'SOIM'))).toEqual(['F-3'])
    expect(numbers(searchRows(present, ROWS, ' f-1 '))).toEqual(['F-1'])
    expect(numbers(searchRows(present, ROWS, '119'))).toEqual([])
    expect(searchRows(present, ROWS, '  ')).toBe(ROWS)
  })

  it('pass filters by the kind of the column, never as text', () => {
    expect(filtered(['total', 'gt', '12.50'])).toEqual(['F-3'])
    expect(filtered(['total', 'le', '12.50'])).toEqual(['F-1', 'F-2'])
    expect(filtered(['daysOverdue', 'gt', '3'])).toEqual(['F-3'])
    expect(filtered(['issuedOn', 'ge', '2026-10-03'], ['cancelled', 'eq', 'false'])).toEqual(['F-3'])
    expect(filtered(['partnerName', 'contains', 'SRL'])).toEqual(['F-1'])
  })

  it('with an empty cell are unequal to every value, and neither less nor greater', () => {
    expect(filtered(['partnerName', 'ne', 'Soare SRL'])).toEqual(['F-3', 'F-2'])
    expect(filtered(['dueOn', 'lt', '2030-01-01'])).toEqual(['F-3', 'F-2'])
    expect(filtered(['dueOn', 'empty', ''])).toEqual(['F-1'])
    expect(filtered(['dueOn', 'notempty', ''])).toEqual(['F-3', 'F-2'])
  })

  it('sort by several columns, nothing before everything', () => {
    const sorted = (text: string) => numbers(sortRows(present, ROWS, parseOrders(text)))
    expect(sorted('total')).toEqual(['F-2', 'F-1', 'F-3'])
    expect(sorted('-total')).toEqual(['F-3', 'F-1', 'F-2'])
    expect(sorted('daysOverdue')).toEqual(['F-1', 'F-2', 'F-3'])
    expect(sorted('-daysOverdue')).toEqual(['F-3', 'F-2', 'F-1'])
    expect(sorted('direction,-issuedOn')).toEqual(['F-3', 'F-2', 'F-1'])
  })

  it('are summed to the cent, whole numbers as such', () => {
    expect(sumRows(present, ROWS)).toEqual({ net: '60.50', total: '72.00', rest: '59.50' })
    const counted = { ...column('n', 'integer', { total: true }), index: 9 }
    expect(sumRows([counted], ROWS)).toEqual({ n: 15 })
  })

  it('beyond the screen come a window at a time', () => {
    expect(windowsOf(0, 40)).toEqual([1])
    expect(windowsOf(990, 2010)).toEqual([1, 2, 3])
    const rows = withWindow(new Array<undefined>(2_500).fill(undefined), 3, [['a'], ['b']])
    expect([rows.length, rows[1999], rows[2000], rows[2001], rows[2002]]).toEqual([2_500, undefined, ['a'], ['b'], undefined])
  })
})

describe('columns of a report', () => {
  const context: ColumnContext = {
    locale: 'ro',
    words: { yes: 'da', no: 'nu' },
    choices: choiceTitles(invoices, [], 'ro'),
    shown: defaultColumns(invoices),
    headings: false,
    parameters: {},
    drill: (report, parameters) => `/${report}?${new URLSearchParams(parameters)}`,
  }
  const columns = reportColumns(invoices, answer(), context)
  const named = (key: string) => columns.find((one) => one.key === key)!

  it('are those to be shown, and those the answer has', () => {
    expect(columns.map(({ key }) => key)).toEqual(['number', 'direction', 'partnerName', 'issuedOn', 'dueOn', 'net', 'total', 'rest', 'daysOverdue'])
    const without = answer([], { columns: invoices.columns.map(({ name }) => name).filter((name) => name !== 'rest') })
    expect(reportColumns(invoices, without, context).some(({ key }) => key === 'rest')).toBe(false)
    expect(reportColumns(invoices, answer(), { ...context, shown: ['cancelled'] }).map(({ key }) => key)).toEqual(['cancelled'])
  })

  it('that only repeat what was asked for are left out, unless somebody chose them', () => {
    const issued = answer(ROWS.filter((row) => row[1] === 'issued'))
    const keys = (shown: string[], rows = issued) =>
      reportColumns(invoices, rows, { ...context, shown, parameters: { direction: 'issued' } }).map(({ key }) => key)
    expect(keys(defaultColumns(invoices))).not.toContain('direction')
    expect(keys(['number', 'direction'])).toEqual(['number', 'direction'])
    expect(keys(defaultColumns(invoices), answer())).toContain('direction')
  })

  it('of rows that stand for many say so', () => {
    const summary = { ...invoices, id: 'summary', parameters: [] }
    expect(choiceTitles(summary, [invoices], 'ro').get('direction')?.get('issued')).toBe('Emise')
    expect(choiceTitles(invoices, [invoices], 'ro').get('direction')?.get('issued')).toBe('Emisă')
  })

  it('are named by what was asked for', () => {
    const days = { title: { ro: '{bound1+1}–{bound2} zile', en: '' }, group: { ro: 'Restant', en: '' } }
    expect(columnName(days, 'ro', { bound1: '30', bound2: '60' })).toBe('Restant 31–60 zile')
    expect(columnName(days, 'ro', { bound1: '7', bound2: '14' })).toBe('Restant 8–14 zile')
    expect(columnName(days, 'ro', {}), 'nothing asked').toBe('Restant {bound1+1}–{bound2} zile')
  })

  it('read the Romanian way, choices by their titles', () => {
    const texts = (key: string) => ROWS.map((row) => named(key).text(row))
    expect(texts('direction')).toEqual(['Emisă', 'Primite', 'Emisă'])
    expect(texts('issuedOn')).toEqual(['05.10.2026', '02.10.2026', '03.10.2026'])
    expect(texts('dueOn')[1]).toBe('')
    expect(texts('total')).toEqual(['119,00', '12,50', '-59,50'])
    expect(named('total').tone?.(ROWS[2]!)).toBe('negative')
    const flag = presentColumns(invoices, answer()).find(({ name }) => name === 'cancelled')!
    expect(ROWS.map(cellText(flag, false, new Map(), context.words))).toEqual(['nu', 'nu', 'da'])
  })

  it('leave out a zero that is no movement and print one that is a result', () => {
    expect(isResult(present, present.find(({ name }) => name === 'rest')!)).toBe(true)
    expect(named('rest').text(ROWS[1]!)).toBe('0,00')
    const paid: ReportRow = ['F-4', 'issued', '07', 'X', '2026-10-05', null, '0.00', '0.00', '0.00', null, false]
    expect(named('net').text(paid)).toBe('')
  })

  it('lead somewhere when the row has what the link needs', () => {
    expect(named('partnerName').to?.(ROWS[0]!)).toBe('/ageing-clients?partner=07')
    expect(named('partnerName').to?.(ROWS[2]!)).toBeUndefined()
    expect(named('number').to).toBeUndefined()
  })

  it('are as wide as their longest figure, the total included', () => {
    const width = (total: string) => reportColumns(invoices, answer(ROWS, { totals: { total } }), context).find(({ key }) => key === 'total')!.width
    expect(width('123456789012.00')).toBe('calc(16ch + 24px)')
    expect(width('1.00')).toBe('calc(8ch + 24px)')
  })

  it('keep the code and the name in sight', () => {
    expect(columns.map(({ frozenAt }) => frozenAt)).toEqual(['0px', named('number').width, ...Array(7).fill(undefined)])
  })
})

describe('choices in words', () => {
  it('say parameters and filters for paper', () => {
    expect(parameterWords(invoices, { direction: 'issued' }, 'ro')).toEqual(['direction: Emise'])
    const naming = { locale: 'ro' as const, parameters: {}, t: (key: string) => key }
    expect(filterWords(invoices, { column: 'total', op: 'ge', value: '1234.50' }, naming)).toBe('total report.ops.ge 1.234,50')
    expect(filterWords(invoices, { column: 'dueOn', op: 'eq', value: '2026-10-05' }, naming)).toBe('dueOn report.ops.eq 05.10.2026')
    expect(filterWords(invoices, { column: 'dueOn', op: 'empty', value: '' }, naming)).toBe('dueOn report.ops.empty')
    expect(filterWords(invoices, { column: 'cancelled', op: 'eq', value: 'true' }, naming)).toBe('cancelled: report.yes')
  })
})

describe('lines of a document', () => {
  const lines: ReportRow[] = [
    ['F-1', 'issued', '07', 'A', '2026-10-05', null, '100.00', '119.00', '0.10', 1, false],
    ['F-1', 'issued', '02', 'A', '2026-10-05', null, '-0.01', '-19.00', null, 2, false],
    ['F-2', 'issued', '07', 'B', '2026-10-05', null, '5.00', '5.00', '5.00', 3, false],
    ['F-3', 'issued', '07', 'C', '2026-10-06', null, '1.00', '1.00', '1.00', 4, false],
    ['F-3', 'issued', '07', 'D', '2026-10-06', null, '2.00', '2.00', '2.00', 5, false],
    [null, 'issued', '07', 'E', '2026-10-06', null, '2.00', '2.00', '2.00', 6, false],
    [null, 'issued', '07', 'F', '2026-10-06', null, '2.00', '2.00', '2.00', 7, false],
  ]
  const groups = groupRows(present, lines, 'number')

  it('have a heading that says what all of them say, and their sums to the cent', () => {
    expect(groups.map(({ key, heading, lines: own }) => [key, heading !== null, own.length])).toEqual([
      ['F-1', true, 2], ['F-2', false, 1], ['F-3', true, 2], ['null', false, 1], ['null', false, 1],
    ])
    expect(groups[0]!.heading).toEqual(['F-1', 'issued', null, 'A', '2026-10-05', null, '99.99', '100.00', '0.10', null, false])
  })

  it('are there when it is open, and stand alone without one', () => {
    const folded = foldRows(groups, (key) => key === 'F-3')
    expect(numbers(folded.rows)).toEqual(['F-1', 'F-2', 'F-3', 'F-3', 'F-3', null, null])
    expect([...folded.folds.values()]).toEqual([{ key: 'F-1', lines: 2, open: false }, { key: 'F-3', lines: 2, open: true }])
    expect(foldRows(groups, () => true).rows).toHaveLength(lines.length + 2)
  })

  it('are neighbours only in an order that begins with them, or as the report does', () => {
    const together = (sort: string) => keepsTogether(parseOrders(sort), ['-issuedOn', 'line'], 'number')
    expect(['number', '-number,total', 'issuedOn', '-issuedOn', 'total', 'partner,number'].map(together)).toEqual([true, true, true, true, false, false])
  })
})

describe('bounds of an ageing report', () => {
  it('are whole numbers, each larger than the one before', () => {
    expect(wrongBound(['30', '60', '90', '120'])).toBe(-1)
    expect(wrongBound(['30', '30', '90', '120'])).toBe(1)
    expect(wrongBound(['0', '60'])).toBe(0)
    expect(wrongBound(['30', '6o', '90'])).toBe(1)
    expect(wrongBound(['30', '60', '45'])).toBe(2)
    expect(wrongBound(['30', ''])).toBe(1)
  })

  it('are found by their names, in order', () => {
    const named = (name: string, kind: 'integer' | 'text' = 'integer') => ({ ...invoices.parameters[0]!, name, kind })
    const parameters = [named('bound2'), named('account'), named('bound1'), named('bound3', 'text'), named('days')]
    expect(boundsOf({ parameters }).map(({ name }) => name)).toEqual(['bound1', 'bound2'])
  })
})

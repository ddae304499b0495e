// What a report shows of the rows it got: search, column filters, order, sums. The same rules as the API's
// own, for answers that are here as a whole. Pure functions.
import type { Cell, ColumnKind, ReportAnswer, ReportColumn, ReportDefinition, ReportRow } from '@/api/catalogue'
import { sumAmounts, toCents } from '@/format/amount'
import { fold } from '@/format/text'
import type { Order } from '@/router/query'
import type { ColumnFilter } from '@/router/reportQuery'

/** A column that came with the answer, and where in a row it stands. */
export interface PresentColumn extends ReportColumn {
  index: number
}

/** Columns of the report that the answer has, in the report's order. */
export function presentColumns(definition: ReportDefinition, answer: Pick<ReportAnswer, 'columns'>): PresentColumn[] {
  return definition.columns.flatMap((column) => {
    const index = answer.columns.indexOf(column.name)
    return index < 0 ? [] : { ...column, index }
  })
}

/** Rows in which a text contains what is searched, whatever its case and marks. */
export function searchRows(columns: readonly PresentColumn[], rows: readonly ReportRow[], search: string): readonly ReportRow[] {
  const wanted = fold(search.trim())
  if (!wanted) return rows
  const texts = columns.filter(({ kind }) => kind === 'text').map(({ index }) => index)
  return rows.filter((row) => texts.some((index) => fold(String(row[index] ?? '')).includes(wanted)))
}

/** Rows that pass every filter. An empty cell is unequal to every value, and neither less nor greater. */
export function filterRows(columns: readonly PresentColumn[], rows: readonly ReportRow[], filters: readonly ColumnFilter[]): readonly ReportRow[] {
  const tests = filters.flatMap((filter) => {
    const column = columns.find(({ name }) => name === filter.column)
    return column ? [cellTest(column, filter)] : []
  })
  return tests.length === 0 ? rows : rows.filter((row) => tests.every((test) => test(row)))
}

function cellTest({ index, kind }: PresentColumn, { op, value }: ColumnFilter): (row: ReportRow) => boolean {
  const isEmpty = (cell: Cell | undefined) => cell === null || cell === undefined || cell === ''
  if (op === 'empty') return (row) => isEmpty(row[index])
  if (op === 'notempty') return (row) => !isEmpty(row[index])
  if (op === 'contains') {
    const wanted = fold(value)
    return (row) => fold(String(row[index] ?? '')).includes(wanted)
  }
  const wanted = comparable(kind, value)
  const passes = COMPARISONS[op]
  return (row) => {
    const cell = row[index]
    if (cell === null || cell === undefined) return op === 'ne'
    return passes(compare(comparable(kind, cell), wanted))
  }
}

const COMPARISONS = {
  eq: (order: number) => order === 0,
  ne: (order: number) => order !== 0,
  lt: (order: number) => order < 0,
  le: (order: number) => order <= 0,
  gt: (order: number) => order > 0,
  ge: (order: number) => order >= 0,
}

type Comparable = string | number | bigint

function comparable(kind: ColumnKind, cell: NonNullable<Cell>): Comparable {
  if (kind === 'amount') return toCents(String(cell))
  return kind === 'integer' ? Number(cell) : String(cell)
}

function compare(left: Comparable, right: Comparable): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Nothing stands before everything. */
export function sortRows(columns: readonly PresentColumn[], rows: readonly ReportRow[], orders: readonly Order[]): ReportRow[] {
  const keys = orders.flatMap(({ key, descending }) => {
    const column = columns.find(({ name }) => name === key)
    return column ? [{ ...column, sign: descending ? -1 : 1 }] : []
  })
  const keyed = rows.map((row) => ({
    row,
    cells: keys.map(({ index, kind }) => (row[index] === null || row[index] === undefined ? null : comparable(kind, row[index]))),
  }))
  keyed.sort((a, b) => {
    for (let k = 0; k < keys.length; k++) {
      const [left, right] = [a.cells[k]!, b.cells[k]!]
      const order = left === null || right === null ? Number(left !== null) - Number(right !== null) : compare(left, right)
      if (order !== 0) return order * keys[k]!.sign
    }
    return 0
  })
  return keyed.map(({ row }) => row)
}

/** The sums of the columns that the report sums. */
export function sumRows(columns: readonly PresentColumn[], rows: readonly ReportRow[]): Record<string, Cell> {
  const summed = columns.filter(({ total }) => total)
  return Object.fromEntries(
    summed.map(({ name, kind, index }) => {
      const cells = rows.map((row) => row[index])
      if (kind === 'amount') return [name, sumAmounts(cells.filter((cell) => typeof cell === 'string'))]
      return [name, cells.reduce<number>((sum, cell) => sum + (typeof cell === 'number' ? cell : 0), 0)]
    }),
  )
}

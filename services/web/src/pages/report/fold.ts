// Lines of one thing, such as a document, under a heading with their sum. The heading is a row like the others, so
// that every column knows how to write it. Pure functions.
import type { Cell, ReportRow } from '@/api/catalogue'
import type { GridFold } from '@/components/grid/types'
import type { Order } from '@/router/query'
import { sumRows, type PresentColumn } from './rows'

export interface Group {
  /** What its lines have in common, as text. */
  key: string
  /** Null for a line by itself. */
  heading: ReportRow | null
  lines: readonly ReportRow[]
}

export interface FoldedRows {
  rows: ReportRow[]
  /** The rows that are headings. */
  folds: ReadonlyMap<ReportRow, GridFold>
}

/** Neighbours with the same value in the column `by`. */
export function groupRows(columns: readonly PresentColumn[], rows: readonly ReportRow[], by: string): Group[] {
  const index = columns.find(({ name }) => name === by)?.index ?? -1
  const groups: Group[] = []
  for (let start = 0, end = 0; start < rows.length; start = end) {
    const value = rows[start]![index]
    end = start + 1
    while (end < rows.length && value !== null && rows[end]![index] === value) end++
    const lines = rows.slice(start, end)
    groups.push({ key: String(value), heading: lines.length > 1 ? headingOf(columns, lines) : null, lines })
  }
  return groups
}

/** Headings, and the lines of those that are open. */
export function foldRows(groups: readonly Group[], isOpen: (key: string) => boolean): FoldedRows {
  const rows: ReportRow[] = []
  const folds = new Map<ReportRow, GridFold>()
  for (const { key, heading, lines } of groups) {
    const open = heading === null || isOpen(key)
    if (heading) {
      folds.set(heading, { key, lines: lines.length, open })
      rows.push(heading)
    }
    if (open) rows.push(...lines)
  }
  return { rows, folds }
}

/** What all lines say, and their sums. */
function headingOf(columns: readonly PresentColumn[], lines: readonly ReportRow[]): ReportRow {
  const sums = sumRows(columns, lines)
  const heading: Cell[] = lines[0]!.map(() => null)
  for (const { name, index } of columns) {
    const first = lines[0]![index] ?? null
    heading[index] = sums[name] ?? (lines.every((line) => line[index] === first) ? first : null)
  }
  return heading
}

/** Whether lines of one thing are neighbours in this order: it begins with the thing, or as the report's own does. */
export function keepsTogether(orders: readonly Order[], own: readonly string[], by: string): boolean {
  const first = orders[0]?.key
  return first === by || first === own[0]?.replace(/^-/, '')
}

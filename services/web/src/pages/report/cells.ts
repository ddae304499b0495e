// How a report's cells read: amounts and days the Romanian way, choices by their titles, blanks for nothing.
import type { Cell, Localised, ReportDefinition, ReportRow } from '@/api/catalogue'
import { formatAmount, isNegative, isZero } from '@/format/amount'
import { formatDay } from '@/format/date'
import { formatInteger } from '@/format/number'
import type { PresentColumn } from './rows'

export interface CellWords {
  yes: string
  no: string
}

/** Column → value → its title, where a column holds the choices of a parameter. */
export type ChoiceTitles = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The text of a column's cells in one language. */
export function cellText(column: PresentColumn, result: boolean, choices: ChoiceTitles, words: CellWords): (row: ReportRow) => string {
  const titles = choices.get(column.name)
  return (row) => {
    const cell = row[column.index] ?? null
    if (cell === null) return ''
    switch (column.kind) {
      case 'amount':
        return isZero(String(cell)) && !result ? '' : formatAmount(String(cell))
      case 'date':
        return formatDay(String(cell))
      case 'integer':
        return formatInteger(Number(cell))
      case 'boolean':
        return cell ? words.yes : words.no
      case 'text':
        return titles?.get(String(cell)) ?? String(cell)
    }
  }
}

export function totalText(total: Cell): string {
  if (total === null) return ''
  return typeof total === 'number' ? formatInteger(total) : formatAmount(String(total))
}

export function cellTone(column: PresentColumn, row: ReportRow): 'muted' | 'negative' | undefined {
  const cell: Cell | undefined = row[column.index]
  if (column.kind !== 'amount' || typeof cell !== 'string') return undefined
  if (isZero(cell)) return 'muted'
  return isNegative(cell) ? 'negative' : undefined
}

/**
 * The amounts that print their zero. What did not move is left blank; the last amount of a row is its
 * result, and a result of zero says something.
 */
export function isResult(columns: readonly PresentColumn[], column: PresentColumn): boolean {
  return columns.findLast(({ kind }) => kind === 'amount')?.name === column.name
}

/**
 * A column called like a parameter holds that parameter's choices: of its own report, or else of any other,
 * so that "issued" reads the same everywhere. Where a report is asked for "issued" ones, a row of it is one of them.
 */
export function choiceTitles(definition: ReportDefinition, catalogue: readonly ReportDefinition[], locale: keyof Localised): ChoiceTitles {
  const titles = new Map<string, ReadonlyMap<string, string>>()
  for (const report of [...catalogue, definition]) {
    for (const { name, kind, choices } of report.parameters) {
      const named = (choices ?? []).map(({ value, title, one }) => [value, ((report === definition && one) || title)[locale]] as const)
      if (kind === 'choice') titles.set(name, new Map(named))
    }
  }
  return titles
}

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

/** The text of a column's cells in one language. */
export function cellText(definition: ReportDefinition, column: PresentColumn, result: boolean, locale: keyof Localised, words: CellWords): (row: ReportRow) => string {
  const titles = choiceTitles(definition, column, locale)
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
        return titles.get(String(cell)) ?? String(cell)
    }
  }
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

/** A column called like a parameter holds that parameter's choices. */
function choiceTitles(definition: ReportDefinition, column: PresentColumn, locale: keyof Localised): Map<string, string> {
  const parameter = definition.parameters.find(({ name, kind }) => name === column.name && kind === 'choice')
  return new Map((parameter?.choices ?? []).map(({ value, title }) => [value, title[locale]]))
}

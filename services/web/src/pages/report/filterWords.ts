// Parameters and column filters in words: for chips, and for paper.
import type { Localised, ReportDefinition } from '@/api/catalogue'
import { formatAmount } from '@/format/amount'
import { formatDay } from '@/format/date'
import { takesValue, type ColumnFilter } from '@/router/reportQuery'
import { isBound } from './bounds'
import { columnName } from './titles'

export function parameterWords(definition: ReportDefinition, values: Record<string, string>, locale: keyof Localised): string[] {
  return definition.parameters.flatMap((parameter) => {
    const value = values[parameter.name]
    // Bounds stand in the headings.
    if (value === undefined || isBound(parameter)) return []
    const choice = parameter.choices?.find((one) => one.value === value)
    return `${parameter.title[locale]}: ${choice?.title[locale] ?? valueWords(parameter.kind, value)}`
  })
}

interface Naming {
  locale: keyof Localised
  /** What the report is asked for. */
  parameters: Record<string, string>
  t: (key: string) => string
}

export function filterWords(definition: ReportDefinition, { column: name, op, value }: ColumnFilter, { locale, parameters, t }: Naming): string {
  const column = definition.columns.find((one) => one.name === name)
  const title = column ? columnName(column, locale, parameters) : name
  const comparison = t(`report.ops.${op}`)
  if (!takesValue(op)) return `${title} ${comparison}`
  if (column?.kind === 'boolean') return `${title}: ${t(value === 'true' ? 'report.yes' : 'report.no')}`
  return `${title} ${comparison} ${valueWords(column?.kind ?? 'text', value)}`
}

function valueWords(kind: string, value: string): string {
  if (kind === 'amount') return formatAmount(value)
  return kind === 'date' ? formatDay(value) : value
}

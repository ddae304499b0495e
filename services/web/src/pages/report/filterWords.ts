// Parameters and column filters in words: for chips, and for paper.
import type { Localised, ReportDefinition } from '@/api/catalogue'
import { formatAmount } from '@/format/amount'
import { formatDay } from '@/format/date'
import { takesValue, type ColumnFilter } from '@/router/reportQuery'

export function parameterWords(definition: ReportDefinition, values: Record<string, string>, locale: keyof Localised): string[] {
  return definition.parameters.flatMap((parameter) => {
    const value = values[parameter.name]
    if (value === undefined) return []
    const choice = parameter.choices?.find((one) => one.value === value)
    return `${parameter.title[locale]}: ${choice?.title[locale] ?? valueWords(parameter.kind, value)}`
  })
}

export function filterWords(definition: ReportDefinition, { column: name, op, value }: ColumnFilter, locale: keyof Localised, t: (key: string) => string): string {
  const column = definition.columns.find((one) => one.name === name)
  const title = column ? [column.group?.[locale], column.title[locale]].filter(Boolean).join(' ') : name
  const comparison = t(`report.ops.${op}`)
  if (!takesValue(op)) return `${title} ${comparison}`
  if (column?.kind === 'boolean') return `${title}: ${t(value === 'true' ? 'report.yes' : 'report.no')}`
  return `${title} ${comparison} ${valueWords(column?.kind ?? 'text', value)}`
}

function valueWords(kind: string, value: string): string {
  if (kind === 'amount') return formatAmount(value)
  return kind === 'date' ? formatDay(value) : value
}

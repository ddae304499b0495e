// What columns are called. A heading may name what was asked for: "{bound1+1}–{bound2} days" is "31–60 days".
import type { Localised, ReportColumn } from '@/api/catalogue'

type Values = Readonly<Record<string, string>>

export function columnTitle({ title }: Pick<ReportColumn, 'title'>, locale: keyof Localised, values: Values): string {
  return title[locale].replace(/\{(\w+)(\+1)?\}/g, (braces, name: string, next?: string) => {
    const value = values[name]
    if (value === undefined) return braces
    return next ? String(Number(value) + 1) : value
  })
}

/** With the heading it stands under: where a column is named by itself. */
export function columnName(column: Pick<ReportColumn, 'title' | 'group'>, locale: keyof Localised, values: Values): string {
  return [column.group?.[locale], columnTitle(column, locale, values)].filter(Boolean).join(' ')
}

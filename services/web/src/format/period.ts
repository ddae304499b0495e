// Months: their form in addresses ("2026-10"), their names, their order.
import type { Period } from '@/api/types'

export function periodKey(period: Period): string {
  return `${String(period.year).padStart(4, '0')}-${String(period.month).padStart(2, '0')}`
}

/** Reads "2026-10"; null for anything else. */
export function parsePeriod(text: string | undefined): Period | null {
  const match = /^(\d{4})-(\d{2})$/.exec(text ?? '')
  if (!match) return null
  const period = { year: Number(match[1]), month: Number(match[2]) }
  return period.month >= 1 && period.month <= 12 ? period : null
}

export function samePeriod(left: Period | null | undefined, right: Period | null | undefined): boolean {
  return !!left && !!right && left.year === right.year && left.month === right.month
}

/** "octombrie 2026". */
export function formatPeriod(period: Period, locale: string): string {
  return monthFormat(locale, { month: 'long', year: 'numeric' }).format(firstDay(period))
}

/** "oct." for the month grid, without the year. */
export function formatMonth(month: number, locale: string): string {
  return monthFormat(locale, { month: 'short' }).format(firstDay({ year: 2026, month })).replace('.', '')
}

function firstDay(period: Period): Date {
  return new Date(Date.UTC(period.year, period.month - 1, 1))
}

function monthFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
}

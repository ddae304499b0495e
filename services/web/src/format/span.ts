// Spans of time that a report covers: a month, a quarter, a year, or days of one's own choice. Days are
// written as "2026-10-31"; they are compared as text and never turned into moments of a time zone.
import type { Period } from '@/api/types'
import { formatDay, isDay } from './date'
import { formatPeriod, parsePeriod, periodKey, samePeriod } from './period'

export interface Days {
  /** First and last day, both included. */
  from: string
  to: string
}

export type Span =
  | { kind: 'month'; year: number; month: number }
  | { kind: 'quarter'; year: number; quarter: number }
  | { kind: 'year'; year: number }
  | ({ kind: 'days' } & Days)

export type SpanKind = Span['kind']
export const SPAN_KINDS: readonly SpanKind[] = ['month', 'quarter', 'year', 'days']

const ROMAN = ['I', 'II', 'III', 'IV']
const DAY_MS = 24 * 60 * 60 * 1000

export function monthSpan({ year, month }: Period): Span {
  return { kind: 'month', year, month }
}

/** The span as one word: "2026-10", "2026-q3", "2026" or "2026-10-05..2026-11-04". */
export function spanKey(span: Span): string {
  switch (span.kind) {
    case 'month':
      return periodKey(span)
    case 'quarter':
      return `${span.year}-q${span.quarter}`
    case 'year':
      return String(span.year)
    case 'days':
      return `${span.from}..${span.to}`
  }
}

/** Reads what `spanKey` wrote; null for anything else. */
export function parseSpan(text: string | undefined): Span | null {
  const month = parsePeriod(text)
  if (month) return monthSpan(month)
  const whole = /^(\d{4})(?:-q([1-4]))?$/.exec(text ?? '')
  if (whole) {
    const year = Number(whole[1])
    return whole[2] ? { kind: 'quarter', year, quarter: Number(whole[2]) } : { kind: 'year', year }
  }
  const [from, to, more] = (text ?? '').split('..')
  return more === undefined ? daysSpan(from, to) : null
}

/** Days that are just a month, a quarter or a year are called so. */
export function daysSpan(from: string | undefined, to: string | undefined): Span | null {
  if (!from || !to || !isDay(from) || !isDay(to) || from > to) return null
  const { year, month } = monthOf(from)
  const named: Span[] = [
    { kind: 'month', year, month },
    { kind: 'quarter', year, quarter: Math.ceil(month / 3) },
    { kind: 'year', year },
  ]
  const same = named.find((span) => {
    const days = spanDays(span)
    return days.from === from && days.to === to
  })
  return same ?? { kind: 'days', from, to }
}

export function spanDays(span: Span): Days {
  if (span.kind === 'days') return { from: span.from, to: span.to }
  const [first, last] =
    span.kind === 'month' ? [span.month, span.month] : span.kind === 'quarter' ? [span.quarter * 3 - 2, span.quarter * 3] : [1, 12]
  return { from: day(span.year, first, 1), to: day(span.year, last + 1, 0) }
}

/** "octombrie 2026", "trimestrul III 2026", "2026", "05.10.2026 – 04.11.2026". */
export function formatSpan(span: Span, locale: string): string {
  switch (span.kind) {
    case 'month':
      return formatPeriod(span, locale)
    case 'quarter':
      return `${formatQuarter(span.quarter, locale)} ${span.year}`
    case 'year':
      return String(span.year)
    case 'days':
      return `${formatDay(span.from)} – ${formatDay(span.to)}`
  }
}

function formatQuarter(quarter: number, locale: string): string {
  return locale === 'ro' ? `trimestrul ${ROMAN[quarter - 1]}` : `Q${quarter}`
}

/** "T III" for the list of quarters, which names the year beside them. */
export function shortQuarter(quarter: number, locale: string): string {
  return locale === 'ro' ? `T ${ROMAN[quarter - 1]}` : `Q${quarter}`
}

/** The span just before or after, of the same length. */
export function stepSpan(span: Span, by: 1 | -1): Span {
  switch (span.kind) {
    case 'month':
      return monthSpan(monthOf(day(span.year, span.month + by, 1)))
    case 'quarter':
      return quarterOf(monthOf(day(span.year, span.quarter * 3 + 3 * by, 1)))
    case 'year':
      return { kind: 'year', year: span.year + by }
    case 'days':
      return stepDays(span, by)
  }
}

/** The last month with postings inside a span. */
export function lastMonthIn(span: Span, periods: readonly Period[]): Period | null {
  if (span.kind === 'month') return periods.find((period) => samePeriod(period, span)) ?? null
  return periods.findLast((period) => overlap(spanDays(span), spanDays(monthSpan(period)))) ?? null
}

/** Whether a span lies, at least in part, between the first and the last month with postings. */
export function touches(span: Span, periods: readonly Period[]): boolean {
  const [first, last] = [periods[0], periods.at(-1)]
  if (!first || !last) return false
  return overlap(spanDays(span), { from: spanDays(monthSpan(first)).from, to: spanDays(monthSpan(last)).to })
}

function quarterOf({ year, month }: Period): Span {
  return { kind: 'quarter', year, quarter: Math.ceil(month / 3) }
}

function monthOf(text: string): Period {
  return { year: Number(text.slice(0, 4)), month: Number(text.slice(5, 7)) }
}

function overlap(left: Days, right: Days): boolean {
  return left.from <= right.to && right.from <= left.to
}

/** Whole months step by months; other days by their number. */
function stepDays({ from, to }: Days, by: 1 | -1): Span {
  const [first, last] = [monthOf(from), monthOf(to)]
  if (from === spanDays(monthSpan(first)).from && to === spanDays(monthSpan(last)).to) {
    const months = by * ((last.year - first.year) * 12 + last.month - first.month + 1)
    return daysSpan(day(first.year, first.month + months, 1), day(last.year, last.month + months + 1, 0))!
  }
  const length = by * ((Date.parse(to) - Date.parse(from)) / DAY_MS + 1)
  return daysSpan(addDays(from, length), addDays(to, length))!
}

function addDays(text: string, days: number): string {
  return new Date(Date.parse(text) + days * DAY_MS).toISOString().slice(0, 10)
}

/** Months and days that run over carry on into the next year or month, as a calendar does. */
function day(year: number, month: number, date: number): string {
  return new Date(Date.UTC(year, month - 1, date)).toISOString().slice(0, 10)
}

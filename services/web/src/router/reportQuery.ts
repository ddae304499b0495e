// What a report's address says. Defaults are left out when writing; unknown values are ignored when
// reading, so that an old or mistyped link still opens.
import { AMOUNT_KEYS, type Period } from '@/api/types'
import { parsePeriod, periodKey } from '@/format/period'

export const SORT_KEYS = ['cont', 'denumire', ...AMOUNT_KEYS] as const
export type SortKey = (typeof SORT_KEYS)[number]

export interface Sort {
  key: SortKey
  descending: boolean
}

export interface ReportQuery {
  server: string | undefined
  company: string | undefined
  period: Period | null
  search: string
  showZeros: boolean
  /** Null is the order of the accounts. */
  sort: Sort | null
}

type RawQuery = Record<string, unknown>

export function readReportQuery(query: RawQuery): ReportQuery {
  return {
    server: text(query.server),
    company: text(query.company),
    period: parsePeriod(text(query.p)),
    search: text(query.q) ?? '',
    showZeros: text(query.zero) === '1',
    sort: readSort(text(query.sort)),
  }
}

export function writeReportQuery(state: ReportQuery): Record<string, string> {
  const query: Record<string, string> = {}
  if (state.server) query.server = state.server
  if (state.company) query.company = state.company
  if (state.period) query.p = periodKey(state.period)
  if (state.search) query.q = state.search
  if (state.showZeros) query.zero = '1'
  if (state.sort) query.sort = `${state.sort.descending ? '-' : ''}${state.sort.key}`
  return query
}

function readSort(value: string | undefined): Sort | null {
  const descending = value?.startsWith('-') ?? false
  const key = SORT_KEYS.find((name) => name === (descending ? value?.slice(1) : value))
  if (!key || (key === 'cont' && !descending)) return null
  return { key, descending }
}

/** The first value of a repeated parameter; nothing for an empty one. */
function text(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' && first !== '' ? first : undefined
}

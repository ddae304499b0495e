// What the trial balance's address says beside company and month. Defaults are left out when writing;
// unknown values are ignored when reading, so that an old or mistyped link still opens.
import { AMOUNT_KEYS, BALANCE_LEVELS, type BalanceLevel } from '@/api/types'
import { ordersKey, parseOrders, queryText, type QueryChange, type RawQuery } from './query'

export const SORT_KEYS = ['cont', 'denumire', ...AMOUNT_KEYS] as const
export type SortKey = (typeof SORT_KEYS)[number]

export interface Sort {
  key: SortKey
  descending: boolean
}

export interface BalanceQuery {
  search: string
  showZeros: boolean
  level: BalanceLevel
  /** Null is the order of the accounts. */
  sort: Sort | null
}

export function readBalanceQuery(query: RawQuery): BalanceQuery {
  return {
    search: queryText(query.q) ?? '',
    showZeros: queryText(query.zero) === '1',
    level: BALANCE_LEVELS.find((level) => level === queryText(query.level)) ?? 'analytic',
    sort: readSort(queryText(query.sort)),
  }
}

export function writeBalanceQuery({ search, showZeros, level, sort }: BalanceQuery): QueryChange {
  return {
    q: search || undefined,
    zero: showZeros ? '1' : undefined,
    level: level === 'analytic' ? undefined : level,
    sort: sort ? ordersKey([sort]) : undefined,
  }
}

function readSort(value: string | undefined): Sort | null {
  const order = parseOrders(value)[0]
  const key = SORT_KEYS.find((name) => name === order?.key)
  if (!key || !order || (key === 'cont' && !order.descending)) return null
  return { key, descending: order.descending }
}

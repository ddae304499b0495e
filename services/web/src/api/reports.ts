// What every report starts from: companies and their months; and the trial balance.
import { isAmount } from '@/format/amount'
import { badResponse, request } from './http'
import { AMOUNT_KEYS, type BalanceLevel, type Calendar, type Company, type Period, type TrialBalance } from './types'

export interface CompanyKey {
  server: string
  company: string
}

export async function fetchCompanies(server?: string, signal?: AbortSignal): Promise<Company[]> {
  const companies = await request<Company[]>('api/companies', { query: { server }, ...withSignal(signal) })
  return companies.map((company) => ({ ...company, id: String(company.id) }))
}

export function fetchCalendar(key: CompanyKey, signal?: AbortSignal): Promise<Calendar> {
  return request<Calendar>('api/calendar', { query: { ...key }, ...withSignal(signal) })
}

/** Amounts are checked here once, so that everything behind may rely on their form. */
export async function fetchTrialBalance(
  key: CompanyKey,
  period: Period,
  level: BalanceLevel,
  signal?: AbortSignal,
): Promise<TrialBalance> {
  const balance = await request<TrialBalance>('api/trial-balance', {
    query: { ...key, year: period.year, month: period.month, level: level === 'analytic' ? undefined : level },
    ...withSignal(signal),
  })
  const exact = [balance.totals, ...balance.rows].every((amounts) =>
    AMOUNT_KEYS.every((name) => isAmount(amounts[name])),
  )
  if (!exact) throw badResponse()
  return balance
}

export function withSignal(signal: AbortSignal | undefined) {
  return signal ? { signal } : {}
}

// The reads that pages share. Each key names everything the answer depends on, so that a changed company or
// month never shows another one's figures.
import { queryOptions } from '@tanstack/vue-query'
import { fetchCatalogue, fetchReport, type ReportDefinition, type ReportRequest } from '@/api/catalogue'
import { ApiError } from '@/api/http'
import { fetchDashboard, fetchTreasury } from '@/api/overview'
import { fetchCalendar, fetchCompanies, fetchTrialBalance, type CompanyKey } from '@/api/reports'
import type { BalanceLevel, Company, Period } from '@/api/types'

/** What all answers about one company have in common. */
interface OfCompany {
  server: string
  company: Omit<Company, 'server'>
}

/** Tens of thousands of rows: watching each field, or comparing them with the last answer, takes seconds. */
const LARGE = { shallow: true, structuralSharing: false } as const

/** While the next answer loads, the old one stays in sight, dimmed; never another company's. */
function sameCompany<T extends OfCompany>(previous: T | undefined, key: CompanyKey | null): T | undefined {
  return previous && key && previous.server === key.server && String(previous.company.id) === key.company ? previous : undefined
}

/**
 * Companies of one server. A server that is merely remembered may be gone by now, or be read by others only:
 * then the API's first one is read instead.
 */
export function companiesQuery(server: string | undefined, remembered: boolean) {
  return queryOptions({
    queryKey: ['companies', server ?? null, remembered],
    queryFn: async ({ signal }): Promise<Company[]> => {
      try {
        return await fetchCompanies(server, signal)
      } catch (error) {
        const gone =
          error instanceof ApiError && ([400, 404, 422].includes(error.status) || error.code === 'ServerNotSignedIn')
        if (!remembered || !gone) throw error
        return fetchCompanies(undefined, signal)
      }
    },
  })
}

export function calendarQuery(key: CompanyKey | null) {
  return queryOptions({
    queryKey: ['calendar', key],
    queryFn: ({ signal }) => fetchCalendar(key!, signal),
    enabled: key !== null,
  })
}

export function trialBalanceQuery(key: CompanyKey | null, period: Period | null, level: BalanceLevel) {
  return queryOptions({
    queryKey: ['trial-balance', key, period, level],
    queryFn: ({ signal }) => fetchTrialBalance(key!, period!, level, signal),
    enabled: key !== null && period !== null,
    ...LARGE,
    placeholderData: (previous) => sameCompany(previous, key),
  })
}

export function catalogueQuery() {
  return queryOptions({
    queryKey: ['catalogue'],
    queryFn: ({ signal }) => fetchCatalogue(signal),
    shallow: true,
  })
}

export function reportQuery(definition: ReportDefinition, request: ReportRequest | null, enabled = true) {
  return queryOptions({
    queryKey: ['report', definition.id, request],
    queryFn: ({ signal }) => fetchReport(definition, request!, signal),
    enabled: enabled && request !== null,
    ...LARGE,
    placeholderData: (previous) => sameCompany(previous, request),
  })
}

export function dashboardQuery(key: CompanyKey | null, period: Period | null) {
  return queryOptions({
    queryKey: ['dashboard', key, period],
    queryFn: ({ signal }) => fetchDashboard(key!, period!, signal),
    enabled: key !== null && period !== null,
    placeholderData: (previous) => sameCompany(previous, key),
  })
}

export function treasuryQuery(key: CompanyKey | null, period: Period | null) {
  return queryOptions({
    queryKey: ['treasury', key, period],
    queryFn: ({ signal }) => fetchTreasury(key!, period!, signal),
    enabled: key !== null && period !== null,
    placeholderData: (previous) => sameCompany(previous, key),
  })
}

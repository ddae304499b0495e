// The reads that pages share. Each key names everything the answer depends on, so that a changed company or
// month never shows another one's figures.
import { queryOptions } from '@tanstack/vue-query'
import { ApiError } from '@/api/http'
import { fetchCalendar, fetchCompanies, fetchTrialBalance, type CompanyKey } from '@/api/reports'
import type { Company, Period } from '@/api/types'

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

export function trialBalanceQuery(key: CompanyKey | null, period: Period | null) {
  return queryOptions({
    queryKey: ['trial-balance', key, period],
    queryFn: ({ signal }) => fetchTrialBalance(key!, period!, signal),
    enabled: key !== null && period !== null,
    // Tens of thousands of rows: watching each field, or comparing them with the last answer, takes seconds.
    shallow: true,
    structuralSharing: false,
    // While the next month loads, the old one stays in sight, dimmed; never another company's.
    placeholderData: (previous) =>
      previous && key && previous.server === key.server && String(previous.company.id) === key.company
        ? previous
        : undefined,
  })
}

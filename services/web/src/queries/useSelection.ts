// The company and month in force: what the address says, else what was used last, else the first company
// and its latest month. Changing them changes the address, and the address is what pages read.
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { CompanyKey } from '@/api/reports'
import type { Company, Period } from '@/api/types'
import { parsePeriod, samePeriod } from '@/format/period'
import { readReportQuery, writeReportQuery, type ReportQuery } from '@/router/reportQuery'
import { usePreferences } from '@/stores/preferences'
import { calendarQuery, companiesQuery } from './reports'

export function useSelection() {
  const route = useRoute()
  const router = useRouter()
  const preferences = usePreferences()
  const address = computed(() => readReportQuery(route.query))

  const companies = useQuery(
    computed(() => {
      const named = address.value.server
      return companiesQuery(named ?? preferences.lastCompany?.server, named === undefined)
    }),
  )
  const company = computed(() => chooseCompany(companies.data.value ?? [], address.value, preferences.lastCompany))
  const key = computed<CompanyKey | null>(() =>
    company.value ? { server: company.value.server, company: company.value.id } : null,
  )

  const calendar = useQuery(computed(() => calendarQuery(key.value)))
  const periods = computed(() => calendar.data.value?.periods ?? [])
  const period = computed<Period | null>(() => {
    if (!key.value || !calendar.data.value) return null
    const remembered = parsePeriod(preferences.rememberedPeriod(key.value))
    const known = [address.value.period, remembered].find((wanted) =>
      periods.value.some((available) => samePeriod(available, wanted)),
    )
    return known ?? calendar.data.value.latest ?? periods.value.at(-1) ?? null
  })
  const position = computed(() => periods.value.findIndex((available) => samePeriod(available, period.value)))
  const previous = computed(() => periods.value[position.value - 1] ?? null)
  const next = computed(() => (position.value < 0 ? null : (periods.value[position.value + 1] ?? null)))

  function go(change: Partial<ReportQuery>, how: 'push' | 'replace' = 'push') {
    return router[how]({ query: writeReportQuery({ ...address.value, ...change }) })
  }

  /** The month of the address stays when the other company has it. */
  function selectCompany(chosen: Company): void {
    void go({ server: chosen.server, company: chosen.id, period: period.value })
  }

  function selectPeriod(chosen: Period | null): void {
    if (chosen) void go({ period: chosen })
  }

  return { address, companies, company, key, calendar, periods, period, previous, next, go, selectCompany, selectPeriod }
}

function chooseCompany(list: Company[], address: ReportQuery, last: CompanyKey | null): Company | null {
  const find = (server: string | undefined, id: string | undefined) =>
    list.find((company) => company.id === id && (server === undefined || company.server === server))
  return find(address.server, address.company) ?? find(last?.server, last?.company) ?? list[0] ?? null
}

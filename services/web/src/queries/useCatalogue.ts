// The reports one may run, and the one that the present page shows.
import { useQuery } from '@tanstack/vue-query'
import { computed, type ComputedRef } from 'vue'
import { useRoute } from 'vue-router'
import type { PeriodKind, ReportDefinition } from '@/api/catalogue'
import { useSession } from '@/stores/session'
import { catalogueQuery } from './reports'

export function useCatalogue() {
  const session = useSession()
  const query = useQuery(computed(() => ({ ...catalogueQuery(), enabled: session.signedIn })))
  const reports = computed(() => query.data.value?.reports ?? [])
  return { query, reports }
}

/** How the present page counts time; undefined while a report is unknown, or where time means nothing. */
export function usePeriodKind(): ComputedRef<PeriodKind | undefined> {
  const route = useRoute()
  const { reports } = useCatalogue()
  return computed(() => currentReport(route, reports.value)?.period ?? route.meta.period)
}

function currentReport(route: ReturnType<typeof useRoute>, reports: readonly ReportDefinition[]): ReportDefinition | undefined {
  const id = route.meta.report ?? (route.name === 'report' ? String(route.params.id) : undefined)
  return id === undefined ? undefined : reports.find((report) => report.id === id)
}

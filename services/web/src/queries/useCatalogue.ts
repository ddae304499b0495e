// The reports one may run, and the one that the present page shows.
import { useQuery } from '@tanstack/vue-query'
import { computed, type ComputedRef } from 'vue'
import { useRoute } from 'vue-router'
import type { PeriodKind } from '@/api/catalogue'
import { reportOf } from '@/router/reportRoutes'
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
  return computed(() => reports.value.find(({ id }) => id === reportOf(route))?.period ?? route.meta.period)
}

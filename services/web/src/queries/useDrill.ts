// Where figures lead: another report about the same company and time, if one may open it.
import { computed } from 'vue'
import type { LocationQueryRaw, RouteLocationRaw } from 'vue-router'
import { drillLocation } from '@/router/reportRoutes'
import { useAddress } from '@/router/useAddress'
import { useCatalogue } from './useCatalogue'

/** What of an address the next report is about as well. */
const SHARED = ['server', 'company', 'p', 'from', 'to']

export function useDrill() {
  const { query } = useAddress()
  const { reports } = useCatalogue()
  const open = computed(() => new Set(reports.value.map(({ id }) => id)))
  const selection = computed(() => Object.fromEntries(SHARED.flatMap((name) => (query.value[name] ? [[name, query.value[name]]] : []))))

  /** `narrowed`: what else the address of the other report says, such as a filter. */
  function drill(report: string, parameters: Record<string, string> = {}, narrowed: LocationQueryRaw = {}): RouteLocationRaw | undefined {
    return open.value.has(report) ? drillLocation(report, { ...selection.value, ...narrowed }, parameters) : undefined
  }

  return { drill }
}

// Where figures lead: another report about the same company and time, if one may open it.
import { computed } from 'vue'
import type { LocationQueryRaw, RouteLocationRaw } from 'vue-router'
import { drillLocation } from '@/router/reportRoutes'
import { selectionPart } from '@/router/selectionQuery'
import { useAddress } from '@/router/useAddress'
import { useCatalogue } from './useCatalogue'

export function useDrill() {
  const { query } = useAddress()
  const { reports } = useCatalogue()
  const open = computed(() => new Set(reports.value.map(({ id }) => id)))
  const selection = computed(() => selectionPart(query.value))

  /** `narrowed`: what else the address of the other report says, such as a filter. */
  function drill(report: string, parameters: Record<string, string> = {}, narrowed: LocationQueryRaw = {}): RouteLocationRaw | undefined {
    return open.value.has(report) ? drillLocation(report, { ...selection.value, ...narrowed }, parameters) : undefined
  }

  return { drill }
}

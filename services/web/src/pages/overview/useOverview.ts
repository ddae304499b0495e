// How reading a page of several figures goes: the figures, why there are none, a failure, the wait.
import type { UseQueryReturnType } from '@tanstack/vue-query'
import { computed } from 'vue'
import type { Figures } from '@/api/http'
import type { Company, Period } from '@/api/types'
import { useNothingToShow } from '@/queries/useNothingToShow'
import { useReadState } from '@/queries/useReadState'
import { useRememberedSelection, type Selection } from '@/queries/useSelection'
import { useDelayed } from '@/ui/useDelayed'

export interface OverviewAnswer extends Period, Figures {
  company: Omit<Company, 'server'>
}

export type OverviewState = ReturnType<typeof useOverview>

export function useOverview(selection: Selection, query: UseQueryReturnType<OverviewAnswer, Error>) {
  useRememberedSelection(selection)
  const nothing = useNothingToShow(selection)
  const settled = computed(() => !!query.data.value || !!nothing.value)
  const { failure, skeleton, retry } = useReadState([selection.companies, selection.calendar, query], settled)
  const busy = useDelayed(query.isPlaceholderData)
  return { nothing, failure, skeleton, retry, busy }
}

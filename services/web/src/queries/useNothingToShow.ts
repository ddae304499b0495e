// Whether there is anything to ask the API for: a company one may see, with months in its books.
import { computed } from 'vue'
import type { Selection } from './useSelection'

export type NothingToShow = 'noCompanies' | 'noPeriods'

export function useNothingToShow({ companies, calendar, span }: Pick<Selection, 'companies' | 'calendar' | 'span'>) {
  return computed<NothingToShow | null>(() => {
    if (companies.data.value?.length === 0) return 'noCompanies'
    return calendar.data.value && !span.value ? 'noPeriods' : null
  })
}

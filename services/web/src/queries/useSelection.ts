// The company and time in force: what the address says, else what was used last, else the first company and
// its latest month. Changing them changes the address, and the address is what pages read. A page of months
// takes the last month of a longer span.
import { useQuery } from '@tanstack/vue-query'
import { computed, watch } from 'vue'
import type { CompanyKey } from '@/api/reports'
import type { Company, Period } from '@/api/types'
import { lastMonthIn, monthSpan, parseSpan, spanKey, stepSpan, touches, type Span } from '@/format/span'
import { readSelectionQuery, writeSelectionQuery, type SelectionQuery } from '@/router/selectionQuery'
import { useAddress } from '@/router/useAddress'
import { usePreferences } from '@/stores/preferences'
import { calendarQuery, companiesQuery } from './reports'
import { usePeriodKind } from './useCatalogue'

export type Selection = ReturnType<typeof useSelection>

export function useSelection() {
  const { query, say } = useAddress()
  const preferences = usePreferences()
  const kind = usePeriodKind()
  const selected = computed(() => readSelectionQuery(query.value))

  const companies = useQuery(
    computed(() => {
      const named = selected.value.server
      return companiesQuery(named ?? preferences.lastCompany?.server, named === undefined)
    }),
  )
  const company = computed(() => chooseCompany(companies.data.value ?? [], selected.value, preferences.lastCompany))
  const key = computed<CompanyKey | null>(() =>
    company.value ? { server: company.value.server, company: company.value.id } : null,
  )

  const calendar = useQuery(computed(() => calendarQuery(key.value)))
  const periods = computed(() => calendar.data.value?.periods ?? [])
  const remembered = computed(() => (key.value ? parseSpan(preferences.rememberedPeriod(key.value)) : null))
  const span = computed<Span | null>(() => {
    if (!key.value || !calendar.data.value) return null
    const latest = calendar.data.value.latest ?? periods.value.at(-1)
    const known = [selected.value.span, remembered.value].map((wanted) => fitting(wanted, periods.value, kind.value === 'range'))
    return known.find((found) => found !== null) ?? (latest ? monthSpan(latest) : null)
  })
  const period = computed<Period | null>(() =>
    span.value?.kind === 'month' ? { year: span.value.year, month: span.value.month } : null,
  )
  const previous = computed(() => neighbour(span.value, periods.value, -1))
  const next = computed(() => neighbour(span.value, periods.value, 1))

  function go(change: Partial<SelectionQuery>, how: 'push' | 'replace' = 'push') {
    return say(writeSelectionQuery({ ...selected.value, ...change }), how)
  }

  /** The time of the address stays when the other company has it. */
  function selectCompany(chosen: Company): void {
    void go({ server: chosen.server, company: chosen.id, span: span.value })
  }

  function selectSpan(chosen: Span | null): void {
    if (chosen) void go({ span: chosen })
  }

  return { selected, companies, company, key, calendar, periods, kind, span, period, previous, next, remembered, go, selectCompany, selectSpan }
}

/** The address comes to say all of the selection, and what it says is remembered for the next visit. */
export function useRememberedSelection({ selected, key, span, periods, kind, remembered, go }: Selection): void {
  const preferences = usePreferences()
  watch(
    [key, span, selected],
    () => {
      if (!key.value || !span.value) return
      const wanted = kind.value === 'none' ? null : span.value
      // A month that stands for a remembered year on this page does not take its place.
      const stands = fitting(remembered.value, periods.value, kind.value === 'range')
      const remember = stands && spanKey(stands) === spanKey(span.value) ? remembered.value! : span.value
      preferences.rememberSelection(key.value, spanKey(remember))
      const { server, company } = selected.value
      const complete = server === key.value.server && company === key.value.company && sameSpan(selected.value.span, wanted)
      if (!complete) void go({ ...key.value, span: wanted }, 'replace')
    },
    { immediate: true },
  )
}

/** The form of a span that a page can show; null when the company has nothing there. */
function fitting(span: Span | null, periods: readonly Period[], ranges: boolean): Span | null {
  if (!span) return null
  if (ranges && span.kind !== 'month') return span.kind === 'days' || touches(span, periods) ? span : null
  const month = lastMonthIn(span, periods)
  return month && monthSpan(month)
}

/** Months step to the next one with postings; longer spans as long as they touch the books. */
function neighbour(span: Span | null, periods: readonly Period[], by: 1 | -1): Span | null {
  if (!span) return null
  if (span.kind !== 'month') {
    const step = stepSpan(span, by)
    return touches(step, periods) ? step : null
  }
  const here = periods.findIndex(({ year, month }) => year === span.year && month === span.month)
  const found = here < 0 ? undefined : periods[here + by]
  return found ? monthSpan(found) : null
}

function sameSpan(left: Span | null, right: Span | null): boolean {
  return left === right || (left !== null && right !== null && spanKey(left) === spanKey(right))
}

function chooseCompany(list: Company[], selected: SelectionQuery, last: CompanyKey | null): Company | null {
  const find = (server: string | undefined, id: string | undefined) =>
    list.find((company) => company.id === id && (server === undefined || company.server === server))
  return find(selected.server, selected.company) ?? find(last?.server, last?.company) ?? list[0] ?? null
}

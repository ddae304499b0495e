// Everything a report's page shows, from the address and the answer of the API. A report of up to fifty
// thousand rows is here as a whole, and searched, filtered and sorted without asking again.
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import type { Cell, ExportRequest, Localised, ReportDefinition, ReportRequest, ReportRow } from '@/api/catalogue'
import { useSearchText } from '@/components/useSearchText'
import { spanDays } from '@/format/span'
import { reportQuery } from '@/queries/reports'
import { useCatalogue } from '@/queries/useCatalogue'
import { useDrill } from '@/queries/useDrill'
import { useNothingToShow } from '@/queries/useNothingToShow'
import { useRememberedSelection, useSelection } from '@/queries/useSelection'
import { ordersKey } from '@/router/query'
import { filterText, readReportQuery, writeReportQuery, type ReportQuery } from '@/router/reportQuery'
import { useAddress } from '@/router/useAddress'
import { choiceTitles, totalText } from './cells'
import { reportColumns } from './columns'
import { filterRows, presentColumns, searchRows, sortRows, sumRows } from './rows'
import { useFolding } from './useFolding'
import { useWindows, WINDOW_ROWS } from './useWindows'

const WHOLE_ROWS = 50_000

export function useReport(definition: ReportDefinition) {
  const { t, locale } = useI18n()
  const { query: raw, say } = useAddress()
  const selection = useSelection()
  useRememberedSelection(selection)
  const nothing = useNothingToShow(selection)
  const { drill } = useDrill()
  const { reports } = useCatalogue()
  const choices = computed(() => choiceTitles(definition, reports.value, locale.value as keyof Localised))

  const address = computed(() => readReportQuery(definition, raw.value))
  const change = (part: Partial<ReportQuery>) => void say(writeReportQuery(definition, { ...address.value, ...part }))
  const search = useSearchText(computed(() => address.value.search), (text) => change({ search: text }))
  const missing = computed(() => definition.parameters.find(({ name, required }) => required && address.value.parameters[name] === undefined) ?? null)

  const request = computed(() => (missing.value ? null : wholeRequest(definition, selection, address.value.parameters)))
  const whole = useQuery(computed(() => reportQuery(definition, request.value)))
  const large = computed(() => (whole.data.value?.totalRows ?? 0) > (whole.data.value?.rows.length ?? 0))
  const windows = useWindows(definition, computed(() => (large.value && request.value ? { ...narrow(request.value, address.value), pageSize: WINDOW_ROWS } : null)))
  /** What is shown now, every row of it. */
  const exported = computed(() => request.value && narrow(request.value, { ...address.value, search: search.value.trim() }))

  const answer = computed(() => (large.value ? windows.first.data.value : whole.data.value))
  const narrowed = computed(() => search.value.trim() !== '' || address.value.filters.length > 0)
  const present = computed(() => (answer.value ? presentColumns(definition, answer.value) : []))
  const found = computed(() => {
    if (large.value || !whole.data.value) return []
    return filterRows(present.value, searchRows(present.value, whole.data.value.rows, search.value), address.value.filters)
  })
  const own = computed(() => ordersKey(address.value.sort) === definition.sort.join(','))
  const rows = computed(() => {
    if (large.value) return windows.rows.value
    return own.value ? found.value : sortRows(present.value, found.value, address.value.sort)
  })
  const sort = computed(() => address.value.sort)
  const folding = useFolding(definition, { present, lines: computed(() => (large.value ? null : (rows.value as ReportRow[]))), sort })
  const count = computed(() => (large.value ? (answer.value?.totalRows ?? 0) : found.value.length))

  const columns = computed(() =>
    answer.value
      ? reportColumns(definition, answer.value, {
          locale: locale.value as keyof Localised,
          words: { yes: t('report.yes'), no: t('report.no') },
          shown: address.value.columns,
          headings: folding.grouped.value,
          parameters: address.value.parameters,
          choices: choices.value,
          drill,
        })
      : [],
  )
  /** The sums of the whole report always; those of what was found above them. */
  const footers = computed(() => {
    const all = whole.data.value?.totals ?? {}
    if (Object.keys(all).length === 0) return []
    const texts = columns.value.filter(({ key }) => !(key in all))
    const label = (texts.findLast(({ frozenAt }) => frozenAt !== undefined) ?? texts[0])?.key
    const line = (key: string, text: string, totals: Record<string, Cell>) => ({
      key,
      ...(label && { label }),
      cells: { ...totalTexts(totals), ...(label && { [label]: text }) },
    })
    const total = line('total', t('report.total'), all)
    if (!narrowed.value) return [total]
    return [line('shown', t('report.shown'), large.value ? (answer.value?.totals ?? {}) : sumRows(present.value, found.value)), total]
  })
  const stale = computed(() => whole.isPlaceholderData.value || (large.value && windows.first.isPlaceholderData.value))

  return {
    ...selection, nothing, address, change, search, missing, whole, windows, exported, answer, narrowed, rows, folding, count, columns, footers, stale,
    show: (first: number, last: number) => (large.value ? windows.show(first, last) : Promise.resolve()),
  }
}

function wholeRequest(definition: ReportDefinition, { key, span, period }: SelectionRefs, parameters: Record<string, string>): ReportRequest | null {
  if (!key.value || !span.value) return null
  const time = definition.period === 'none' ? null : definition.period === 'month' ? period.value : spanDays(span.value)
  return { ...key.value, period: time, parameters, page: 1, pageSize: WHOLE_ROWS }
}

type SelectionRefs = Pick<ReturnType<typeof useSelection>, 'key' | 'span' | 'period'>

function narrow<T extends ExportRequest>(whole: T, { search, sort, filters }: ReportQuery): T {
  return {
    ...whole,
    sort: ordersKey(sort),
    ...(search && { search }),
    filters: filters.map(filterText),
  }
}

/** Totals always print, a total of zero as well. */
function totalTexts(totals: Record<string, Cell>): Record<string, string> {
  return Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, totalText(total)]))
}

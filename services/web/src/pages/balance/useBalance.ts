// Everything the trial balance page shows, from the address and the answer of the API.
import { useQuery } from '@tanstack/vue-query'
import { computed, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { AMOUNT_KEYS, type Amounts } from '@/api/types'
import type { GridFooter } from '@/components/grid/types'
import { formatAmount } from '@/format/amount'
import { periodKey, samePeriod } from '@/format/period'
import { trialBalanceQuery } from '@/queries/reports'
import { useSelection } from '@/queries/useSelection'
import type { Sort } from '@/router/reportQuery'
import { usePreferences } from '@/stores/preferences'
import { imbalance, isZeroRow, searchRows, sortRows, sumRows } from './rows'

const TYPING_PAUSE_MS = 250

export function useBalance() {
  const { t } = useI18n()
  const preferences = usePreferences()
  const selection = useSelection()
  const { address, key, period, go } = selection
  const query = useQuery(computed(() => trialBalanceQuery(key.value, period.value)))
  const balance = query.data

  const search = useSearch(selection)
  const rows = computed(() => balance.value?.rows ?? [])
  const zeroCount = computed(() => rows.value.filter(isZeroRow).length)
  const matching = computed(() => searchRows(rows.value, search.value))
  const filtered = computed(() => (address.value.showZeros ? matching.value : matching.value.filter((row) => !isZeroRow(row))))
  const shown = computed(() => sortRows(filtered.value, address.value.sort))
  const unbalanced = computed(() => (balance.value ? imbalance(balance.value.totals) : null))

  /** The sums of the whole balance always; those of the found accounts above them while searching. */
  const footers = computed<GridFooter[]>(() => {
    if (!balance.value) return []
    const all = footer('total', t('balance.total'), balance.value.totals)
    if (!search.value.trim()) return [all]
    return [footer('shown', t('balance.shown'), sumRows(filtered.value)), all]
  })

  // The address says the whole state, and what it says is remembered for the next visit.
  watch(
    [key, period, address],
    () => {
      if (!key.value || !period.value) return
      preferences.rememberSelection(key.value, periodKey(period.value))
      const { server, company } = address.value
      const complete = server === key.value.server && company === key.value.company && samePeriod(address.value.period, period.value)
      if (!complete) void go({ ...key.value, period: period.value }, 'replace')
    },
    { immediate: true },
  )

  return {
    ...selection, query, balance, search, rows, zeroCount, shown, unbalanced, footers,
    setSort: (sort: Sort | null) => void go({ sort: sort?.key === 'cont' && !sort.descending ? null : sort }, 'replace'),
    toggleZeros: () => void go({ showZeros: !address.value.showZeros }, 'replace'),
  }
}

function footer(key: string, label: string, amounts: Amounts): GridFooter {
  const cells = AMOUNT_KEYS.map((name) => [name, formatAmount(amounts[name])])
  return { key, cells: { denumire: label, ...Object.fromEntries(cells) } }
}

/** What is typed filters at once; the address follows when the typing pauses. */
function useSearch({ address, go }: ReturnType<typeof useSelection>) {
  const search = ref(address.value.search)
  watch(search, (text, _previous, onCleanup) => {
    const timer = setTimeout(() => {
      if (text !== address.value.search) void go({ search: text }, 'replace')
    }, TYPING_PAUSE_MS)
    onCleanup(() => clearTimeout(timer))
  })
  watch(
    () => address.value.search,
    (text) => (search.value = text),
  )
  return search
}

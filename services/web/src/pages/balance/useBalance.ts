// Everything the trial balance page shows, from the address and the answer of the API.
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import type { ExportRequest } from '@/api/catalogue'
import { AMOUNT_KEYS, type Amounts, type BalanceLevel } from '@/api/types'
import type { GridFooter } from '@/components/grid/types'
import { useSearchText } from '@/components/useSearchText'
import { formatAmount } from '@/format/amount'
import { trialBalanceQuery } from '@/queries/reports'
import { useRememberedSelection, useSelection } from '@/queries/useSelection'
import { readBalanceQuery, writeBalanceQuery, type BalanceQuery, type Sort } from '@/router/balanceQuery'
import { ordersKey } from '@/router/query'
import { useAddress } from '@/router/useAddress'
import { imbalance, isZeroRow, searchRows, sortRows, sumRows } from './rows'

export function useBalance() {
  const { t } = useI18n()
  const { query: raw, say } = useAddress()
  const selection = useSelection()
  useRememberedSelection(selection)
  const { key, period } = selection
  const address = computed(() => readBalanceQuery(raw.value))
  const change = (part: Partial<BalanceQuery>) => void say(writeBalanceQuery({ ...address.value, ...part }))

  const query = useQuery(computed(() => trialBalanceQuery(key.value, period.value, address.value.level)))
  const balance = query.data
  const search = useSearchText(computed(() => address.value.search), (text) => change({ search: text }))
  const rows = computed(() => balance.value?.rows ?? [])
  const zeroCount = computed(() => rows.value.filter(isZeroRow).length)
  const matching = computed(() => searchRows(rows.value, search.value))
  const filtered = computed(() => (address.value.showZeros ? matching.value : matching.value.filter((row) => !isZeroRow(row))))
  const shown = computed(() => sortRows(filtered.value, address.value.sort))
  const unbalanced = computed(() => (balance.value ? imbalance(balance.value.totals) : null))

  /** The report behind the page, as it is shown; accounts without figures are part of a file. */
  const report = computed(() => (address.value.level === 'synthetic' ? 'trial-balance-synthetic' : 'trial-balance'))
  const exported = computed<ExportRequest | null>(() => {
    if (!key.value || !period.value) return null
    const { sort } = address.value
    const text = search.value.trim()
    return { ...key.value, period: period.value, parameters: {}, ...(sort && { sort: ordersKey([sort]) }), ...(text && { search: text }) }
  })

  /** The sums of the whole balance always; those of the found accounts above them while searching. */
  const footers = computed<GridFooter[]>(() => {
    if (!balance.value) return []
    const all = footer('total', t('balance.total'), balance.value.totals)
    if (!search.value.trim()) return [all]
    return [footer('shown', t('balance.shown'), sumRows(filtered.value)), all]
  })

  return {
    ...selection, address, query, balance, search, rows, zeroCount, shown, unbalanced, footers, report, exported,
    setSort: (sort: Sort | null) => change({ sort: sort?.key === 'cont' && !sort.descending ? null : sort }),
    setLevel: (level: BalanceLevel) => change({ level }),
    toggleZeros: () => change({ showZeros: !address.value.showZeros }),
  }
}

function footer(key: string, label: string, amounts: Amounts): GridFooter {
  const cells = AMOUNT_KEYS.map((name) => [name, formatAmount(amounts[name])])
  return { key, cells: { denumire: label, ...Object.fromEntries(cells) } }
}

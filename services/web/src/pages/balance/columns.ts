// The trial balance's columns: account and name frozen, then three pairs of debit and credit.
import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { AMOUNT_KEYS, type AmountKey, type Amounts, type BalanceRow, type TrialBalance } from '@/api/types'
import type { GridColumn } from '@/components/grid/types'
import { formatAmount, isNegative, isZero } from '@/format/amount'
import { HEADING_ROOM, LEAST_AMOUNT_WIDTH, widthInDigits } from '@/components/grid/widths'
import { useDrill } from '@/queries/useDrill'
import { PAIRS, showsZero, sides, type Pair } from './rows'

/** Blank for no movement; a closing balance that came to zero is printed. */
export function amountText(row: Amounts, key: AmountKey): string {
  return isZero(row[key]) && !showsZero(row, key) ? '' : formatAmount(row[key])
}

export function amountTone(row: Amounts, key: AmountKey): 'muted' | 'negative' | undefined {
  if (isZero(row[key])) return 'muted'
  return isNegative(row[key]) ? 'negative' : undefined
}

/** Width of the longest amount in digits: every column gets the same, so that no figure is ever cut. */
export function widestAmount(balance: TrialBalance): number {
  let longest = ''
  for (const amounts of [balance.totals, ...balance.rows]) {
    for (const key of AMOUNT_KEYS) if (amounts[key].length > longest.length) longest = amounts[key]
  }
  return Math.max(LEAST_AMOUNT_WIDTH, widthInDigits(formatAmount(longest || '0')))
}

export function useBalanceColumns(balance: Ref<TrialBalance | undefined>) {
  const { t } = useI18n()
  const { drill } = useDrill()
  /** The movements behind a figure of an account. */
  const movements = ({ cont }: BalanceRow) => drill('ledger-card', { account: cont })
  const amountWidth = computed(() => (balance.value ? widestAmount(balance.value) : LEAST_AMOUNT_WIDTH))
  const accountWidth = computed(() => {
    const widths = balance.value?.rows.map(({ cont }) => widthInDigits(cont)) ?? []
    return `calc(${widths.reduce((widest, width) => Math.max(widest, width), t('balance.account').length + HEADING_ROOM)}ch + 20px)`
  })

  const amountColumns = (pair: Pair): GridColumn<BalanceRow>[] =>
    sides(pair).map((key, side) => ({
      key,
      label: t(side === 0 ? 'balance.debit' : 'balance.credit'),
      group: t(`balance.${pair}`),
      width: `calc(${amountWidth.value}ch + 24px)`,
      numeric: true,
      text: (row) => amountText(row, key),
      tone: (row) => amountTone(row, key),
      to: (row) => (amountText(row, key) === '' ? undefined : movements(row)),
    }))

  return computed<GridColumn<BalanceRow>[]>(() => [
    {
      key: 'cont',
      label: t('balance.account'),
      width: accountWidth.value,
      frozenAt: '0px',
      text: (row) => row.cont,
      to: movements,
    },
    {
      key: 'denumire',
      label: t('balance.name'),
      width: 'clamp(140px, 11vw, 300px)',
      grows: true,
      frozenAt: accountWidth.value,
      text: (row) => row.denumire ?? t('balance.unnamed'),
      tone: (row) => (row.denumire ? undefined : 'muted'),
    },
    ...PAIRS.flatMap(amountColumns),
  ])
}

// What the trial balance shows of the rows it got: search, zero accounts, order, sums. Pure functions.
import { AMOUNT_KEYS, type AmountKey, type Amounts, type BalanceRow } from '@/api/types'
import { difference, isZero, sumAmounts, toCents } from '@/format/amount'
import { fold, searchWords } from '@/format/text'
import type { Sort } from '@/router/balanceQuery'

export type Pair = 'prec' | 'rul' | 'sold'
export const PAIRS: readonly Pair[] = ['prec', 'rul', 'sold']

export function sides(pair: Pair): readonly [AmountKey, AmountKey] {
  return [`${pair}deb`, `${pair}cred`]
}

/** Zero means all six amounts: an account that moved and returned to zero still matters. */
export function isZeroRow(row: Amounts): boolean {
  return AMOUNT_KEYS.every((key) => isZero(row[key]))
}

/** Every word must begin the code or stand anywhere in the name. */
export function searchRows(rows: readonly BalanceRow[], query: string): BalanceRow[] {
  const words = searchWords(query)
  if (words.length === 0) return [...rows]
  return rows.filter((row) => {
    const code = fold(row.cont)
    const name = fold(row.denumire ?? '')
    return words.every((word) => code.startsWith(word) || name.includes(word))
  })
}

/** Rows arrive in account order, which a null sort keeps. Names without text come last either way. */
export function sortRows(rows: readonly BalanceRow[], sort: Sort | null): BalanceRow[] {
  if (!sort) return [...rows]
  const sign = sort.descending ? -1 : 1
  const { key } = sort
  if (key === 'cont') return [...rows].sort((a, b) => sign * compareText(a.cont, b.cont))
  if (key === 'denumire') {
    const names = new Intl.Collator('ro')
    return [...rows].sort((a, b) => {
      if (!a.denumire || !b.denumire) return Number(!a.denumire) - Number(!b.denumire)
      return sign * names.compare(a.denumire, b.denumire)
    })
  }
  const keyed = rows.map((row) => ({ row, cents: toCents(row[key]) }))
  keyed.sort((a, b) => sign * (a.cents < b.cents ? -1 : a.cents > b.cents ? 1 : 0))
  return keyed.map(({ row }) => row)
}

/** Account codes are text: 4111 stands before 512. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function sumRows(rows: readonly BalanceRow[]): Amounts {
  const sums = AMOUNT_KEYS.map((key) => [key, sumAmounts(rows.map((row) => row[key]))] as const)
  return Object.fromEntries(sums) as Amounts
}

/** The first pair whose debit and credit differ, and by how much; null when all three balance. */
export function imbalance(totals: Amounts): { pair: Pair; amount: string } | null {
  for (const pair of PAIRS) {
    const [debit, credit] = sides(pair)
    const amount = difference(totals[debit], totals[credit])
    if (!isZero(amount)) return { pair, amount }
  }
  return null
}

/**
 * Whether a zero is printed. No movement is left blank; a closing balance that came to zero is a result
 * and is shown.
 */
export function showsZero(row: Amounts, key: AmountKey): boolean {
  if (!key.startsWith('sold')) return false
  return isZero(row.solddeb) && isZero(row.soldcred) && !isZeroRow(row)
}

// Amounts as exact decimal strings: read into whole cents (bigint), summed, compared and printed the
// Romanian way. No float is ever involved.
import type { DecimalString } from '@/api/types'

const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,2}))?$/

export function isAmount(value: unknown): value is DecimalString {
  return typeof value === 'string' && AMOUNT.test(value)
}

/** Whole cents. Throws a RangeError for anything but a decimal with at most two digits. */
export function toCents(amount: DecimalString): bigint {
  const match = AMOUNT.exec(amount)
  if (!match) throw new RangeError(`not an amount: ${amount}`)
  const cents = BigInt(match[2] + (match[3] ?? '').padEnd(2, '0'))
  return match[1] ? -cents : cents
}

export function fromCents(cents: bigint): DecimalString {
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0')
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

export function isZero(amount: DecimalString): boolean {
  return !/[1-9]/.test(amount)
}

export function isNegative(amount: DecimalString): boolean {
  return amount.startsWith('-') && !isZero(amount)
}

/**
 * "1234567.5" → "1.234.567,50". Romanian grouping in every language: "1.234" must not change its
 * meaning with the language of the page.
 */
export function formatAmount(amount: DecimalString): string {
  const plain = fromCents(toCents(amount))
  const [whole = '', fraction = ''] = plain.split('.')
  return `${whole.replace(/\B(?=(\d{3})+$)/g, '.')},${fraction}`
}

export function sumAmounts(amounts: Iterable<DecimalString>): DecimalString {
  let cents = 0n
  for (const amount of amounts) cents += toCents(amount)
  return fromCents(cents)
}

/** The larger minus the smaller, so never negative. */
export function difference(left: DecimalString, right: DecimalString): DecimalString {
  const cents = toCents(left) - toCents(right)
  return fromCents(cents < 0n ? -cents : cents)
}

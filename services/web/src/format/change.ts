// How a figure differs from the one of a year before. Percentages are worked out in whole cents.
import type { DecimalString } from '@/api/types'
import { fromCents, toCents } from './amount'

export interface Change {
  direction: 'up' | 'down' | 'same'
  /** Tenths of a percent as text, such as "12,3"; null where a percentage means nothing: from zero, or over it. */
  percent: string | null
  /** The present one minus the former. */
  difference: DecimalString
}

/** Beyond this a percentage says less than the amounts. */
const TELLING = 10_000n

export function changeOf(current: DecimalString, before: DecimalString): Change {
  const [now, then] = [toCents(current), toCents(before)]
  const difference = now - then
  const direction = difference === 0n ? 'same' : difference > 0n ? 'up' : 'down'
  return { direction, percent: percentOf(now, then), difference: fromCents(difference) }
}

function percentOf(now: bigint, then: bigint): string | null {
  if (then === 0n || now < 0n !== then < 0n) return null
  const size = (value: bigint) => (value < 0n ? -value : value)
  const whole = size(then)
  // Rounded to the nearest tenth.
  const tenths = (size(now - then) * 2000n + whole) / (2n * whole)
  return tenths > TELLING ? null : `${tenths / 10n},${tenths % 10n}`
}

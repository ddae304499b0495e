// Numbers of bytes and shares, for people.
import { formatInteger } from './number'

const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const

/** "64 MiB", "1,5 KiB". */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  const tenths = Math.round(value * 10)
  const shown = unit === 0 || tenths >= 100 || tenths % 10 === 0 ? formatInteger(Math.round(value)) : `${Math.floor(tenths / 10)},${tenths % 10}`
  return `${shown} ${UNITS[unit]}`
}

/** "83 %" of all; null when there was nothing. */
export function share(part: number, all: number): string | null {
  return all > 0 ? `${Math.round((100 * part) / all)} %` : null
}

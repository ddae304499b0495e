// Numbers of bytes and shares, for people.

const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const

/** "64 MiB", "1,5 KiB" with the decimal sign of the language. */
export function formatBytes(bytes: number, locale: string): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`
}

/** "83%" of all; null when there was nothing. */
export function share(part: number, all: number, locale: string): string | null {
  if (all <= 0) return null
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(part / all)
}

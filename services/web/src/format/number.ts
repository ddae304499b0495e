// Whole numbers.

const GROUPED_FROM = 10_000

/** "12.345", but "2026": four digits stay together, as years do. */
export function formatInteger(value: number): string {
  const digits = String(Math.abs(value))
  const grouped = Math.abs(value) < GROUPED_FROM ? digits : digits.replace(/\B(?=(\d{3})+$)/g, '.')
  return value < 0 ? `-${grouped}` : grouped
}

// What people type, as the value that addresses and the API write.
import { formatAmount, fromCents, isAmount, toCents } from './amount'

export type InputKind = 'text' | 'integer' | 'date' | 'amount'

/** "1.234,5" and "1234.5" are amounts; null for what is none of its kind. An empty text is no value at all. */
export function parseInput(kind: InputKind, typed: string): string | null {
  const text = typed.trim()
  if (kind === 'amount') {
    const plain = /,/.test(text) || /^-?\d{1,3}(\.\d{3})+$/.test(text) ? text.replaceAll('.', '').replace(',', '.') : text
    return isAmount(plain) ? fromCents(toCents(plain)) : null
  }
  if (kind === 'integer') return /^-?\d{1,15}$/.test(text) ? String(Number(text)) : null
  return text === '' ? null : text
}

/** How a value stands in its input. */
export function inputText(kind: InputKind, value: string): string {
  return kind === 'amount' && value !== '' ? formatAmount(value) : value
}

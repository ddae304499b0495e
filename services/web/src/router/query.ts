// The query of an address: read leniently, changed name by name so that each part of a page answers for its
// own names and leaves those of the others alone.
import type { LocationQueryRaw } from 'vue-router'

/** What becomes of some names; undefined leaves a name out. */
export type QueryChange = Record<string, string | readonly string[] | undefined>

export type RawQuery = Record<string, unknown>

/** The first value of a repeated name; nothing for an empty one. */
export function queryText(value: unknown): string | undefined {
  return queryTexts(value)[0]
}

/** Every value of a name, empty ones left out. */
export function queryTexts(value: unknown): string[] {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  return all.filter((one): one is string => typeof one === 'string' && one !== '')
}

export function withQuery(query: RawQuery, change: QueryChange): LocationQueryRaw {
  const next: LocationQueryRaw = { ...(query as LocationQueryRaw) }
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined || value.length === 0) delete next[name]
    else next[name] = typeof value === 'string' ? value : [...value]
  }
  return next
}

/** Sorting as in "-sold,cont": descending by one, then ascending by the other. */
export interface Order {
  key: string
  descending: boolean
}

export function parseOrders(text: string | undefined): Order[] {
  const words = (text ?? '').split(',').filter((word) => word !== '' && word !== '-')
  return words.map((word) => (word.startsWith('-') ? { key: word.slice(1), descending: true } : { key: word, descending: false }))
}

export function ordersKey(orders: readonly Order[]): string {
  return orders.map(({ key, descending }) => `${descending ? '-' : ''}${key}`).join(',')
}

// What an address says about company and time. `p` names a month, quarter or year; other days stand as
// `from` and `to`.
import type { LocationQueryRaw } from 'vue-router'
import { daysSpan, parseSpan, spanKey, type Span } from '@/format/span'
import { queryText, type QueryChange, type RawQuery } from './query'

/** The names that say it: what of an address the next page is about as well. */
export const SELECTION_NAMES: readonly string[] = ['server', 'company', 'p', 'from', 'to']

export interface SelectionQuery {
  server: string | undefined
  company: string | undefined
  span: Span | null
}

export function readSelectionQuery(query: RawQuery): SelectionQuery {
  const named = parseSpan(queryText(query.p))
  return {
    server: queryText(query.server),
    company: queryText(query.company),
    span: named && named.kind !== 'days' ? named : daysSpan(queryText(query.from), queryText(query.to)),
  }
}

/** The part of an address about company and time, word for word. */
export function selectionPart(query: RawQuery): LocationQueryRaw {
  return Object.fromEntries(SELECTION_NAMES.flatMap((name) => (query[name] ? [[name, query[name]]] : []))) as LocationQueryRaw
}

export function writeSelectionQuery({ server, company, span }: SelectionQuery): QueryChange {
  return { server, company, ...writeSpan(span) }
}

export function writeSpan(span: Span | null): QueryChange {
  if (span?.kind === 'days') return { p: undefined, from: span.from, to: span.to }
  return { p: span ? spanKey(span) : undefined, from: undefined, to: undefined }
}

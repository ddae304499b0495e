// What a report tells the grid about its columns and sums.

import type { RouteLocationRaw } from 'vue-router'

export interface GridColumn<Row> {
  key: string
  label: string
  /** Columns with the same group stand under one heading. */
  group?: string
  /** The least width, as a CSS length. */
  width: string
  /** Takes what the other columns leave. */
  grows?: boolean
  numeric?: boolean
  /** What a row comes down to: shown where there is room for one figure. */
  result?: boolean
  /** Stays in sight when the grid scrolls sideways, at this distance from the left edge. */
  frozenAt?: string
  text: (row: Row) => string
  tone?: (row: Row) => 'muted' | 'negative' | undefined
  /** Where the figure leads. */
  to?: (row: Row) => RouteLocationRaw | undefined
}

export interface GridFooter {
  key: string
  /** The column in which the word for the sum stands, written like a text whatever the column holds. */
  label?: string
  cells: Record<string, string>
}

/** A row that is the heading of the rows below it. */
export interface GridFold {
  /** What it is opened and closed by. */
  key: string
  lines: number
  open: boolean
}

export interface GridSort {
  key: string
  descending: boolean
}

/** Neighbouring columns under one heading, with the 1-based index of the first. */
export interface HeaderGroup {
  label: string
  start: number
  span: number
}

export function headerGroups(columns: readonly { group?: string }[]): HeaderGroup[] {
  const groups: HeaderGroup[] = []
  columns.forEach(({ group }, index) => {
    const last = groups.at(-1)
    if (!group) return
    if (last?.label === group && last.start + last.span === index + 1) last.span++
    else groups.push({ label: group, start: index + 1, span: 1 })
  })
  return groups
}

/** Ascending, descending, none for text; numbers begin with the largest. */
export function nextSort(current: GridSort | null, key: string, numeric: boolean): GridSort | null {
  if (current?.key !== key) return { key, descending: numeric }
  return current.descending === numeric ? { key, descending: !numeric } : null
}

/** The same for several columns: `add` keeps the others, and the new one decides where they are equal. */
export function nextSorts(current: readonly GridSort[], key: string, numeric: boolean, add: boolean): GridSort[] {
  const index = current.findIndex((sort) => sort.key === key)
  const alone = !add || (current.length === 1 && index === 0)
  const next = nextSort((alone && index > 0 ? null : current[index]) ?? null, key, numeric)
  if (alone) return next ? [next] : []
  if (index < 0) return next ? [...current, next] : [...current]
  return current.flatMap((sort, i) => (i === index ? (next ?? []) : sort))
}

// What the address of a report says beside company and time: parameters, search, order, columns, filters.
// Everything is read against the report's definition: what it does not know is ignored, defaults are left out.
import type { ColumnKind, ReportColumn, ReportDefinition, ReportParameter } from '@/api/catalogue'
import { isAmount } from '@/format/amount'
import { isDay } from '@/format/date'
import { ordersKey, parseOrders, queryText, queryTexts, type Order, type QueryChange, type RawQuery } from './query'

export const FILTER_OPS = ['contains', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'empty', 'notempty'] as const
export type FilterOp = (typeof FILTER_OPS)[number]

export interface ColumnFilter {
  column: string
  op: FilterOp
  /** Empty for `empty` and `notempty`. */
  value: string
}

export interface ReportQuery {
  /** What each parameter is, by default or by the address; absent: nothing. */
  parameters: Record<string, string>
  search: string
  sort: Order[]
  /** Names of the shown columns in the report's own order. */
  columns: string[]
  filters: ColumnFilter[]
}

const ORDERED: readonly FilterOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'empty', 'notempty']
export const OPS_OF: Record<ColumnKind, readonly FilterOp[]> = {
  text: ['contains', 'eq', 'ne', 'empty', 'notempty'],
  integer: ORDERED,
  date: ORDERED,
  amount: ORDERED,
  boolean: ['eq', 'empty', 'notempty'],
}

/** Names of an address that mean the same on every report. */
const OWN_NAMES = ['server', 'company', 'p', 'from', 'to', 'q', 'sort', 'cols', 'filter']

/** The name of a parameter in addresses: its own, unless that means something else. */
export function parameterName(name: string): string {
  return OWN_NAMES.includes(name) ? `_${name}` : name
}

export function takesValue(op: FilterOp): boolean {
  return op !== 'empty' && op !== 'notempty'
}

export function readReportQuery(definition: ReportDefinition, query: RawQuery): ReportQuery {
  return {
    parameters: readParameters(definition, query),
    search: queryText(query.q) ?? '',
    sort: readSort(definition, queryText(query.sort)),
    columns: readColumns(definition, queryText(query.cols)),
    filters: queryTexts(query.filter).flatMap((text) => parseFilter(definition, text) ?? []),
  }
}

export function writeReportQuery(definition: ReportDefinition, state: ReportQuery): QueryChange {
  const change: QueryChange = {}
  for (const parameter of definition.parameters) {
    const value = state.parameters[parameter.name]
    change[parameterName(parameter.name)] = value === defaultOf(parameter) ? undefined : value
  }
  const sort = ordersKey(state.sort)
  const columns = state.columns.join(',')
  return {
    ...change,
    q: state.search || undefined,
    sort: sort === definition.sort.join(',') ? undefined : sort || undefined,
    cols: columns === defaultColumns(definition).join(',') ? undefined : columns || undefined,
    filter: state.filters.map(filterText),
  }
}

export function filterText({ column, op, value }: ColumnFilter): string {
  return `${column}:${op}:${value}`
}

export function defaultColumns(definition: ReportDefinition): string[] {
  return definition.columns.filter(({ hidden }) => !hidden).map(({ name }) => name)
}

export function defaultOf({ default: value }: ReportParameter): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}

/** Whether a text is a value of its kind, as addresses and the API write it. */
export function isValue(kind: ReportParameter['kind'] | ColumnKind, value: string): boolean {
  switch (kind) {
    case 'integer':
      return /^-?\d{1,15}$/.test(value)
    case 'date':
      return isDay(value)
    case 'amount':
      return isAmount(value)
    case 'boolean':
      return value === 'true' || value === 'false'
    default:
      return value !== ''
  }
}

function readParameters(definition: ReportDefinition, query: RawQuery): Record<string, string> {
  const values: Record<string, string> = {}
  for (const parameter of definition.parameters) {
    const said = queryText(query[parameterName(parameter.name)])
    const good =
      said !== undefined &&
      isValue(parameter.kind, said) &&
      (parameter.kind !== 'choice' || (parameter.choices ?? []).some(({ value }) => value === said))
    const value = good ? said : defaultOf(parameter)
    if (value !== undefined) values[parameter.name] = value
  }
  return values
}

function readSort(definition: ReportDefinition, text: string | undefined): Order[] {
  const known = parseOrders(text).filter(({ key }) => columnOf(definition, key))
  const once = known.filter(({ key }, index) => known.findIndex((other) => other.key === key) === index)
  return once.length > 0 ? once : parseOrders(definition.sort.join(','))
}

function readColumns(definition: ReportDefinition, text: string | undefined): string[] {
  const wanted = text?.split(',') ?? []
  const known = definition.columns.map(({ name }) => name).filter((name) => wanted.includes(name))
  return known.length > 0 ? known : defaultColumns(definition)
}

/** Reads "sold:ge:100.00"; null for a column, comparison or value that makes no sense. */
export function parseFilter(definition: ReportDefinition, text: string): ColumnFilter | null {
  const [name = '', said = '', ...rest] = text.split(':')
  const column = columnOf(definition, name)
  const op = column && OPS_OF[column.kind].find((one) => one === said)
  if (!column || !op) return null
  const value = takesValue(op) ? rest.join(':') : ''
  if (takesValue(op) && !isValue(column.kind, value)) return null
  return { column: name, op, value }
}

function columnOf(definition: ReportDefinition, name: string): ReportColumn | undefined {
  return definition.columns.find((column) => column.name === name)
}

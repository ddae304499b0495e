// Reports as the catalogue describes them, and what they answer: columns and rows, with amounts as exact
// decimal strings.
import { isAmount } from '@/format/amount'
import type { Days } from '@/format/span'
import { badResponse, download, request, type Download, type Figures, type RequestOptions } from './http'
import { withSignal, type CompanyKey } from './reports'
import type { Company, Period } from './types'

/** A text in every language of the product. */
export interface Localised {
  ro: string
  en: string
}

export const REPORT_GROUPS = ['invoices', 'balances', 'treasury', 'accounting', 'other'] as const
export type ReportGroup = (typeof REPORT_GROUPS)[number]
export type PeriodKind = 'none' | 'month' | 'range'
export type ColumnKind = 'text' | 'integer' | 'date' | 'amount' | 'boolean'

export interface ReportChoice {
  value: string
  title: Localised
  /** What a single row with the value is called; absent: as the choice. */
  one?: Localised | null
}

export interface ReportParameter {
  name: string
  title: Localised
  kind: 'text' | 'integer' | 'date' | 'amount' | 'choice'
  required: boolean
  default: string | number | null
  choices: ReportChoice[] | null
}

export interface ReportLink {
  report: string
  /** Parameter of the other report → column of this one. */
  parameters: Record<string, string>
}

export interface ReportColumn {
  name: string
  /** `{bound}` in it is the value of a parameter. */
  title: Localised
  /** Neighbours with the same group stand under one heading. */
  group: Localised | null
  kind: ColumnKind
  /** May be missing from an answer. */
  optional: boolean
  total: boolean
  /** Not shown unless somebody asks for it. */
  hidden: boolean
  link: ReportLink | null
}

export interface ReportDefinition {
  id: string
  title: Localised
  description: Localised | null
  /** Where the navigation shows it; null: nowhere. */
  group: ReportGroup | null
  period: PeriodKind
  parameters: ReportParameter[]
  columns: ReportColumn[]
  sort: string[]
  /** Neighbours with the same value in this column are lines of one thing. */
  fold?: string | null
}

export interface RefusedReport {
  file: string
  line: number | null
  reason: string
}

export interface Catalogue {
  reports: ReportDefinition[]
  /** Only for those who look after the reports. */
  refused?: RefusedReport[] | null
}

export type Cell = string | number | boolean | null
export type ReportRow = readonly Cell[]

export interface ReportAnswer extends Figures {
  report: string
  server: string
  company: Omit<Company, 'server'>
  period: Days | null
  parameters: Record<string, Cell>
  columns: string[]
  rows: ReportRow[]
  page: number
  pageSize: number
  totalRows: number
  /** Of the columns that have one, over everything found: amounts, or whole numbers. */
  totals: Record<string, Cell>
}

/** What a report is asked for, whatever the page. */
export interface ExportRequest extends CompanyKey {
  period: Period | Days | null
  parameters: Record<string, string>
  sort?: string
  search?: string
  filters?: readonly string[]
}

export interface ReportRequest extends ExportRequest {
  page: number
  pageSize: number
}

export const EXPORT_FORMATS = ['xlsx', 'csv', 'pdf'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export function fetchCatalogue(signal?: AbortSignal): Promise<Catalogue> {
  return request<Catalogue>('api/reports', withSignal(signal))
}

/** Amounts are checked here once, so that everything behind may rely on their form. */
export async function fetchReport(definition: ReportDefinition, wanted: ReportRequest, signal?: AbortSignal): Promise<ReportAnswer> {
  const { page, pageSize } = wanted
  const answer = await request<ReportAnswer>(reportPath(definition.id), {
    query: { ...wantedQuery(wanted), page, pageSize },
    ...withSignal(signal),
  })
  if (!isExact(definition, answer)) throw badResponse()
  return answer
}

/** Every row of a report as a file. */
export function fetchExport(
  report: string,
  wanted: ExportRequest,
  { format, lang }: { format: ExportFormat; lang: string },
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<Download> {
  const query = { ...wantedQuery(wanted), format, lang }
  return download(reportPath(report), { query, ...withSignal(signal) }, onBytes)
}

function reportPath(id: string): string {
  return `api/reports/${encodeURIComponent(id)}`
}

function wantedQuery({ server, company, period, parameters, sort, search, filters }: ExportRequest): RequestOptions['query'] {
  return { ...parameters, server, company, ...period, sort, q: search, filter: filters }
}

function isExact(definition: ReportDefinition, answer: ReportAnswer): boolean {
  const isExactOrEmpty = (cell: Cell | undefined) => cell === null || cell === undefined || isAmount(cell)
  return definition.columns
    .filter(({ kind }) => kind === 'amount')
    .every(({ name }) => {
      const index = answer.columns.indexOf(name)
      return isExactOrEmpty(answer.totals[name]) && answer.rows.every((row) => isExactOrEmpty(row[index]))
    })
}

// The two pages that put several figures together: the dashboard and the treasury.
import { request, type Figures } from './http'
import { withSignal, type CompanyKey } from './reports'
import type { Company, DecimalString, Period } from './types'

export const FIGURE_IDS = ['income', 'expense', 'result', 'receipts', 'payments', 'clients', 'suppliers', 'cash', 'bank'] as const
export type FigureId = (typeof FIGURE_IDS)[number]

export interface Figure {
  id: FigureId
  current: DecimalString
  /** Null where the books do not reach back. */
  previousYear: DecimalString | null
  /** Null for what is counted at the end of a month, such as cash. */
  yearToDate: DecimalString | null
  previousYearToDate: DecimalString | null
  link: { report: string; parameters: Record<string, string> } | null
}

export interface MonthFigures extends Period {
  income: DecimalString
  expense: DecimalString
  receipts: DecimalString
  payments: DecimalString
  /** Cash and bank at the end of the month. */
  liquidity: DecimalString
}

export const AGE_KEYS = ['current', 'days30', 'days60', 'days90', 'older'] as const
export type AgeKey = (typeof AGE_KEYS)[number]
export type Ageing = Record<AgeKey, DecimalString>
export type AgeingSide = 'clients' | 'suppliers'

export interface OverduePartner {
  partner: string
  name: string | null
  amount: DecimalString
  oldestDays: number
}

export interface Dashboard extends Period, Figures {
  server: string
  company: Omit<Company, 'server'>
  figures: Figure[]
  /** Up to and with the chosen month. */
  months: MonthFigures[]
  ageing: Record<AgeingSide, Ageing>
  overdue: OverduePartner[]
}

export interface TreasuryAccount {
  cont: string
  denumire: string | null
  opening: DecimalString
  inflow: DecimalString
  outflow: DecimalString
  closing: DecimalString
}

export const TREASURY_KINDS = ['cash', 'bank'] as const
export type TreasuryKind = (typeof TREASURY_KINDS)[number]

export interface TreasuryPart {
  total: DecimalString
  accounts: TreasuryAccount[]
}

export interface Treasury extends Period, Record<TreasuryKind, TreasuryPart>, Figures {
  server: string
  company: Omit<Company, 'server'>
  total: DecimalString
}

export function fetchDashboard(key: CompanyKey, { year, month }: Period, signal?: AbortSignal): Promise<Dashboard> {
  return request<Dashboard>('api/dashboard', { query: { ...key, year, month }, ...withSignal(signal) })
}

export function fetchTreasury(key: CompanyKey, { year, month }: Period, signal?: AbortSignal): Promise<Treasury> {
  return request<Treasury>('api/treasury', { query: { ...key, year, month }, ...withSignal(signal) })
}

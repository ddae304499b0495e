// Shapes of the HTTP contract, as the API describes them in `api/openapi.json`.

import type { Figures } from './http'

/** An exact amount with two decimals, such as "-1234.50". Never turned into a float. */
export type DecimalString = string

export type UserType = 'enterprise_admin' | 'super_admin' | 'user'

export interface User {
  id: string | number
  username: string
  displayName: string
  userType: UserType
  /** Id of the tenant the user belongs to. */
  tenant: string | null
  /** A hint: the password was issued, not chosen. */
  mustChangePassword?: boolean
  /** The ERP server where the user signs in, which keeps the password; null for an account of the application. */
  erpServer?: string | null
}

/** A place to sign in at. */
export interface SignInServer {
  /** Null for the accounts of the application. */
  server: string | null
  title: string
  kind: 'store' | 'erp'
}

export interface OwnServer extends SignInServer {
  signedIn: boolean
}

export interface Company {
  server: string
  id: string
  name: string
  taxId: string | null
  currency: string
}

export interface Period {
  year: number
  month: number
}

export interface Calendar {
  /** Months with postings, ascending. */
  periods: Period[]
  latest: Period | null
}

export const AMOUNT_KEYS = ['precdeb', 'preccred', 'ruldeb', 'rulcred', 'solddeb', 'soldcred'] as const
export type AmountKey = (typeof AMOUNT_KEYS)[number]
export type Amounts = Record<AmountKey, DecimalString>

export interface BalanceRow extends Amounts {
  cont: string
  denumire: string | null
}

export const BALANCE_LEVELS = ['analytic', 'synthetic'] as const
export type BalanceLevel = (typeof BALANCE_LEVELS)[number]

export interface TrialBalance extends Period, Figures {
  server: string
  company: Omit<Company, 'server'>
  rows: BalanceRow[]
  totals: Amounts
}

export interface OwnSession {
  id: string
  /** The one this page belongs to. */
  isCurrent: boolean
  createdAt: string
  lastActivityAt: string
  expiresAt: string
  address: string | null
  /** What the browser or program calls itself. */
  userAgent: string | null
}

export interface TelegramCode {
  code: string
  expiresAt: string
  deepLink: string | null
}

export interface TelegramChat {
  chatId: string | number
  linkedAt: string
}

// The reports that have an address of their own, and the address of any report.
import type { LocationQueryRaw, RouteLocationNormalized, RouteLocationRaw, RouteRecordRaw } from 'vue-router'
import { parseSpan } from '@/format/span'
import { withQuery, type QueryChange } from './query'
import { parameterName } from './reportQuery'
import { writeSpan } from './selectionQuery'

interface ReportRoute {
  path: string
  name: string
  report: string
  title: string
  period: 'month' | 'range'
}

const REPORT_ROUTES: readonly ReportRoute[] = [
  { path: 'facturi', name: 'invoices', report: 'invoices', title: 'nav.invoices', period: 'range' },
  { path: 'solduri/clienti', name: 'clientBalances', report: 'client-balances', title: 'nav.clientBalances', period: 'month' },
  { path: 'solduri/furnizori', name: 'supplierBalances', report: 'supplier-balances', title: 'nav.supplierBalances', period: 'month' },
  { path: 'scadentar/clienti', name: 'ageingClients', report: 'ageing-clients', title: 'nav.ageingClients', period: 'month' },
  { path: 'scadentar/furnizori', name: 'ageingSuppliers', report: 'ageing-suppliers', title: 'nav.ageingSuppliers', period: 'month' },
  { path: 'trezorerie/miscari', name: 'treasuryMovements', report: 'treasury-movements', title: 'nav.treasuryMovements', period: 'range' },
  { path: 'incasari', name: 'receipts', report: 'receipts', title: 'nav.receipts', period: 'range' },
  { path: 'fisa-cont', name: 'ledgerCard', report: 'ledger-card', title: 'nav.ledgerCard', period: 'range' },
  { path: 'jurnal', name: 'journal', report: 'journal', title: 'nav.journal', period: 'range' },
]

/** Reports that a page made for them shows. */
const OWN_PAGES: Record<string, { name: string; query?: LocationQueryRaw }> = {
  'trial-balance': { name: 'balance' },
  'trial-balance-synthetic': { name: 'balance', query: { level: 'synthetic' } },
  treasury: { name: 'treasury' },
}

export function reportRoutes(): RouteRecordRaw[] {
  const page = () => import('@/pages/ReportPage.vue')
  const named = REPORT_ROUTES.map(({ path, name, report, title, period }) => ({
    path,
    name,
    component: page,
    props: { id: report },
    meta: { title, company: true, report, period },
  }))
  return [
    ...named,
    {
      path: 'rapoarte/:id',
      name: 'report',
      component: page,
      props: true,
      meta: { title: 'nav.report', company: true },
      // One report, one address.
      beforeEnter: (to) => {
        const own = reportLocation(String(to.params.id), to.query)
        return own.name === 'report' ? true : own
      },
    },
  ]
}

/** The report that a page shows; undefined for pages of another kind. */
export function reportOf({ name, meta, params }: Pick<RouteLocationNormalized, 'name' | 'meta' | 'params'>): string | undefined {
  return meta.report ?? (name === 'report' ? String(params.id) : undefined)
}

interface ReportLocation {
  name: string
  params?: { id: string }
  query: LocationQueryRaw
}

/** Where a report is shown. */
export function reportLocation(id: string, query: LocationQueryRaw = {}): ReportLocation {
  const own = OWN_PAGES[id]
  if (own) return { name: own.name, query: { ...own.query, ...query } }
  const named = REPORT_ROUTES.find(({ report }) => report === id)
  return named ? { name: named.name, query } : { name: 'report', params: { id }, query }
}

/**
 * Where a figure leads: to a report about the same company and time, with the given parameters. Parameters
 * called year and month, or from and to, are the time of the other report.
 */
export function drillLocation(report: string, selection: LocationQueryRaw, parameters: Record<string, string>): RouteLocationRaw {
  const { year, month, from, to, ...others } = parameters
  let time: QueryChange = {}
  if (year && month) time = writeSpan(parseSpan(`${year}-${month.padStart(2, '0')}`))
  else if (year) time = writeSpan(parseSpan(year))
  else if (from && to) time = writeSpan(parseSpan(`${from}..${to}`))
  const named = Object.fromEntries(Object.entries(others).map(([name, value]) => [parameterName(name), value]))
  return reportLocation(report, withQuery({ ...selection, ...named }, time))
}

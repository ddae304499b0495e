// The pages of the navigation, in groups and in order, and those of them somebody may open.
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import type { RouteLocationRaw } from 'vue-router'
import { REPORT_GROUPS, type Localised, type ReportGroup } from '@/api/catalogue'
import { useAccess } from '@/queries/useAccess'
import { useCatalogue } from '@/queries/useCatalogue'
import { reportLocation } from '@/router/reportRoutes'
import type { IconName } from '@/ui/icons'

interface Page {
  route: string
  label: string
  icon: IconName
  /** One of these permissions; absent: everybody. */
  needs?: readonly string[]
  /** The page shows this report: only for those who may run it. */
  report?: string
}

/** The parts of the administration. */
export const ADMIN_PAGES: readonly Page[] = [
  { route: 'users', label: 'users.title', icon: 'users', needs: ['users:view'] },
  { route: 'roles', label: 'roles.title', icon: 'key', needs: ['roles:view'] },
  { route: 'tenants', label: 'tenants.title', icon: 'company', needs: ['tenants:view'] },
  { route: 'audit', label: 'audit.title', icon: 'search', needs: ['audit:view'] },
  { route: 'cache', label: 'cache.title', icon: 'refresh', needs: ['cache:view', 'security:view'] },
]

const REPORTS = ['reports:view']
const HOME: Page = { route: 'dashboard', label: 'nav.dashboard', icon: 'dashboard', needs: REPORTS }
const BALANCE: Page = { route: 'balance', label: 'nav.balance', icon: 'balance', needs: REPORTS }
const TREASURY: Page = { route: 'treasury', label: 'nav.cashAndBank', icon: 'treasury', needs: REPORTS, report: 'treasury' }
const INVOICES: Page = { route: 'invoices', label: 'nav.invoices', icon: 'invoice', report: 'invoices' }

/** Reports of the team join the group that they name. */
const GROUPED: Record<ReportGroup, readonly Page[]> = {
  invoices: [INVOICES],
  balances: [
    { route: 'clientBalances', label: 'nav.clientBalances', icon: 'client', report: 'client-balances' },
    { route: 'supplierBalances', label: 'nav.supplierBalances', icon: 'supplier', report: 'supplier-balances' },
    { route: 'ageingClients', label: 'nav.ageingClients', icon: 'clock', report: 'ageing-clients' },
    { route: 'ageingSuppliers', label: 'nav.ageingSuppliers', icon: 'clock', report: 'ageing-suppliers' },
  ],
  treasury: [
    TREASURY,
    { route: 'treasuryMovements', label: 'nav.treasuryMovements', icon: 'movements', report: 'treasury-movements' },
    { route: 'receipts', label: 'nav.receipts', icon: 'receipts', report: 'receipts' },
  ],
  accounting: [
    BALANCE,
    { route: 'ledgerCard', label: 'nav.ledgerCard', icon: 'ledger', report: 'ledger-card' },
    { route: 'journal', label: 'nav.journal', icon: 'journal', report: 'journal' },
  ],
  other: [],
}
const FOOT: readonly Page[] = [
  { route: 'telegram', label: 'nav.telegram', icon: 'telegram' },
  { route: 'sessions', label: 'menu.sessions', icon: 'sessions' },
  { route: 'admin', label: 'nav.admin', icon: 'users', needs: ADMIN_PAGES.flatMap(({ needs }) => needs ?? []) },
]
/** What a phone has room for, beside more and the account. */
const SHORT: readonly Page[] = [HOME, INVOICES, { ...TREASURY, label: 'nav.treasury' }]

/** Shown elsewhere: as a level of the trial balance. */
const ELSEWHERE = ['trial-balance', 'trial-balance-synthetic']

export interface Entry {
  key: string
  to: RouteLocationRaw
  title: string
  icon: IconName
}

export interface EntryGroup {
  key: string
  /** Null for entries that stand by themselves. */
  title: string | null
  entries: Entry[]
}

/** Those of `pages` that the user may open. */
export function usePages(pages: readonly Page[]) {
  const { can } = useAccess()
  return computed(() => pages.filter(({ needs }) => !needs || needs.some(can)))
}

export function useNavigation() {
  const { t, locale } = useI18n()
  const { can } = useAccess()
  const { reports } = useCatalogue()

  const may = ({ needs, report }: Page) => (!needs || needs.some(can)) && (!report || reports.value.some(({ id }) => id === report))
  const entry = ({ route, label, icon }: Page): Entry => ({ key: route, to: { name: route }, title: t(label), icon })
  const entries = (pages: readonly Page[]) => pages.filter(may).map(entry)
  const known = new Set([...ELSEWHERE, ...Object.values(GROUPED).flatMap((pages) => pages.flatMap(({ report }) => report ?? []))])

  function others(group: ReportGroup): Entry[] {
    return reports.value
      .filter((report) => report.group === group && !known.has(report.id))
      .map(({ id, title }) => ({ key: id, to: reportLocation(id), title: title[locale.value as keyof Localised], icon: 'report' as const }))
  }

  const groups = computed<EntryGroup[]>(() => {
    const middle = REPORT_GROUPS.map((group) => ({
      key: group,
      title: group === 'invoices' ? null : t(`nav.groups.${group}`),
      entries: [...entries(GROUPED[group]), ...others(group)],
    }))
    const all = [{ key: 'home', title: null, entries: entries([HOME]) }, ...middle]
    return all.filter((group) => group.entries.length > 0)
  })
  const foot = computed(() => entries(FOOT))
  const short = computed(() => entries(SHORT))
  return { groups, foot, short }
}

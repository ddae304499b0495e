// Everything the palette leads to: pages and reports one may open, named views, companies, months, commands.
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter, type RouteLocationRaw } from 'vue-router'
import type { Localised } from '@/api/catalogue'
import { LOCALE_NAMES } from '@/i18n'
import { formatPeriod, periodKey, samePeriod } from '@/format/period'
import { monthSpan } from '@/format/span'
import { useCatalogue } from '@/queries/useCatalogue'
import { useSelection } from '@/queries/useSelection'
import { reportLocation } from '@/router/reportRoutes'
import { selectionPart } from '@/router/selectionQuery'
import { LOCALES, THEMES, usePreferences } from '@/stores/preferences'
import { useSession } from '@/stores/session'
import { useViews } from '@/stores/views'
import type { IconName } from '@/ui/icons'
import { usePagePrint } from '@/ui/printing'
import { ADMIN_PAGES, useNavigation, usePages } from '../shell/pages'
import type { Findable } from './match'
import { usePalette } from './usePalette'

export type EntryKind = 'page' | 'view' | 'company' | 'month' | 'action'

export interface PaletteEntry extends Findable {
  key: string
  kind: EntryKind
  icon: IconName
  /** It is so already. */
  current?: boolean
  run: () => unknown
}

export function useEntries() {
  const router = useRouter()
  const go = (to: RouteLocationRaw) => () => router.push(to)
  const groups = [useViewEntries(go), usePageEntries(go), useActions(), useMonths(go), useCompanies(go)]
  return computed<PaletteEntry[]>(() => groups.flatMap((group) => group.value))
}

type Go = (to: RouteLocationRaw) => () => unknown

function usePageEntries(go: Go) {
  const { t, locale } = useI18n()
  const { reports } = useCatalogue()
  const { groups, foot } = useNavigation()
  const admin = usePages(ADMIN_PAGES)
  const title = (words: Localised) => words[locale.value as keyof Localised]
  return computed<PaletteEntry[]>(() => {
    const shown = groups.value.flatMap((group) => group.entries.map((entry) => ({ ...entry, words: group.title ?? '' })))
    const below = admin.value.map(({ route, label, icon }) => ({ key: route, to: { name: route }, title: t(label), icon, words: t('nav.admin') }))
    const known = new Set(shown.map(({ key }) => key))
    // A report without a place in the navigation has its address all the same.
    const others = reports.value.flatMap((report) => {
      const to = reportLocation(report.id)
      const words = [report.id, report.description && title(report.description)].filter(Boolean).join(' ')
      return known.has(to.name === 'report' ? report.id : to.name) ? [] : { key: report.id, to, title: title(report.title), icon: 'report' as const, words }
    })
    return [...shown, ...others, ...foot.value, ...below].map(({ key, to, title: named, icon, ...entry }) => ({
      key: `page ${key}`, kind: 'page', title: named, icon, words: `${'words' in entry ? entry.words : ''} ${key}`, run: go(to),
    }))
  })
}

function useViewEntries(go: Go) {
  const { locale } = useI18n()
  const route = useRoute()
  const store = useViews()
  const { reports } = useCatalogue()
  return computed<PaletteEntry[]>(() =>
    reports.value.flatMap(({ id, title }) =>
      store.of(id).views.map(({ name, query }) => ({
        key: `view ${id} ${name}`, kind: 'view', icon: 'bookmark', title: `${title[locale.value as keyof Localised]}: ${name}`,
        run: go(reportLocation(id, { ...selectionPart(route.query), ...query })),
      })),
    ),
  )
}

function useCompanies(go: Go) {
  const route = useRoute()
  const { companies, company, selectCompany } = useSelection()
  return computed<PaletteEntry[]>(() =>
    (companies.data.value ?? []).map((one) => ({
      key: `company ${one.server} ${one.id}`, kind: 'company', icon: 'company', title: one.name, words: `${one.taxId ?? ''} ${one.server}`,
      current: one.id === company.value?.id && one.server === company.value.server,
      run: () => (route.meta.company ? selectCompany(one) : go({ name: 'dashboard', query: { server: one.server, company: one.id } })()),
    })),
  )
}

/** The latest one first. */
function useMonths(go: Go) {
  const { locale } = useI18n()
  const { periods, period, kind, key, selectSpan } = useSelection()
  const shows = computed(() => kind.value !== undefined && kind.value !== 'none')
  return computed<PaletteEntry[]>(() =>
    periods.value.toReversed().map((month) => ({
      key: `month ${periodKey(month)}`, kind: 'month', icon: 'calendar', title: formatPeriod(month, locale.value),
      words: `${periodKey(month)} ${periodKey(month).split('-').reverse().join('.')}`, current: samePeriod(month, period.value),
      run: () => (shows.value ? selectSpan(monthSpan(month)) : go({ name: 'dashboard', query: { ...key.value, p: periodKey(month) } })()),
    })),
  )
}

function useActions() {
  const { t } = useI18n()
  const preferences = usePreferences()
  const session = useSession()
  const { keysOpen } = usePalette()
  const print = usePagePrint()
  return computed<PaletteEntry[]>(() => {
    const action = (key: string, icon: IconName, title: string, run: () => unknown, current = false): PaletteEntry => ({ key, kind: 'action', icon, title, current, run })
    return [
      ...(print.value ? [action('print', 'print', t('report.print'), print.value)] : []),
      ...THEMES.map((theme) =>
        action(`theme ${theme}`, 'theme', t('palette.theme', { name: t(`menu.${theme}`) }), () => (preferences.theme = theme), preferences.theme === theme),
      ),
      ...LOCALES.map((locale) =>
        action(`language ${locale}`, 'language', t('palette.language', { name: LOCALE_NAMES[locale] }), () => (preferences.locale = locale), preferences.locale === locale),
      ),
      action('keys', 'keyboard', t('keys.title'), () => (keysOpen.value = true)),
      action('signOut', 'signOut', t('menu.signOut'), () => session.signOut()),
    ]
  })
}

// The three charts of the dashboard: what they show, what they say in words, and where they lead.
import type { RouteLocationRaw } from 'vue-router'
import { AGE_KEYS, type Ageing, type AgeingSide, type Dashboard, type MonthFigures } from '@/api/overview'
import type { DecimalString } from '@/api/types'
import type { ChartData } from '@/components/charts/types'
import { formatAmount, fromCents, sumAmounts, toCents } from '@/format/amount'
import { formatMonth, formatPeriod } from '@/format/period'

export interface ChartWords {
  t: (key: string, values?: Record<string, string>) => string
  locale: string
  drill: (report: string, parameters: Record<string, string>) => RouteLocationRaw | undefined
}

export const AGEING_SIDES: readonly AgeingSide[] = ['clients', 'suppliers']

export function liquidityChart({ months }: Dashboard, words: ChartWords): ChartData {
  const { t, locale, drill } = words
  const [lowest, highest] = extremes(months)
  const last = months.at(-1)
  const named = (month: MonthFigures) => ({ amount: formatAmount(month.liquidity), month: formatPeriod(month, locale) })
  return {
    kind: 'line',
    labels: months.map((month) => monthLabel(month, locale)),
    series: [{ name: t('dashboard.liquidity'), colour: 'series-1', amounts: months.map(({ liquidity }) => liquidity) }],
    links: months.map((month) => drill('treasury', time(month))),
    summary:
      last && lowest && highest
        ? t('dashboard.liquiditySummary', {
            ...named(last), lowest: formatAmount(lowest.liquidity), lowestMonth: formatPeriod(lowest, locale),
            highest: formatAmount(highest.liquidity), highestMonth: formatPeriod(highest, locale),
          })
        : '',
  }
}

export function resultChart({ months, figures }: Dashboard, { t, locale, drill }: ChartWords): ChartData {
  const income = sumAmounts(months.map((month) => month.income))
  const expense = sumAmounts(months.map((month) => month.expense))
  const link = figures.find(({ id }) => id === 'income')?.link
  return {
    kind: 'bars',
    labels: months.map((month) => monthLabel(month, locale)),
    series: [
      { name: t('dashboard.income'), colour: 'series-1', amounts: months.map((month) => month.income) },
      { name: t('dashboard.expense'), colour: 'series-2', amounts: months.map((month) => month.expense) },
    ],
    links: months.map((month) => (link ? drill(link.report, { ...link.parameters, ...time(month) }) : undefined)),
    summary: t('dashboard.resultSummary', {
      income: formatAmount(income),
      expense: formatAmount(expense),
      result: formatAmount(fromCents(toCents(income) - toCents(expense))),
    }),
  }
}

export function ageingChart({ ageing }: Dashboard, { t, drill }: ChartWords): ChartData {
  return {
    kind: 'stack',
    labels: AGEING_SIDES.map((side) => t(`dashboard.${side}`)),
    series: AGE_KEYS.map((key, index) => ({
      name: t(`dashboard.ages.${key}`),
      colour: `age-${index + 1}`,
      amounts: AGEING_SIDES.map((side) => ageing[side][key]),
    })),
    links: AGEING_SIDES.map((side) => drill(`ageing-${side}`, {})),
    summary: t('dashboard.ageingSummary', {
      clients: formatAmount(overdue(ageing.clients)),
      clientsTotal: formatAmount(total(ageing.clients)),
      suppliers: formatAmount(overdue(ageing.suppliers)),
      suppliersTotal: formatAmount(total(ageing.suppliers)),
    }),
  }
}

function total(ageing: Ageing): DecimalString {
  return sumAmounts(AGE_KEYS.map((key) => ageing[key]))
}

function overdue(ageing: Ageing): DecimalString {
  return sumAmounts(AGE_KEYS.filter((key) => key !== 'current').map((key) => ageing[key]))
}

function extremes(months: readonly MonthFigures[]): [MonthFigures | undefined, MonthFigures | undefined] {
  const sorted = months.toSorted((a, b) => {
    const [left, right] = [toCents(a.liquidity), toCents(b.liquidity)]
    return left < right ? -1 : left > right ? 1 : 0
  })
  return [sorted[0], sorted.at(-1)]
}

/** "oct 26". */
function monthLabel({ year, month }: MonthFigures, locale: string): string {
  return `${formatMonth(month, locale)} ${String(year).slice(2)}`
}

function time({ year, month }: MonthFigures): Record<string, string> {
  return { year: String(year), month: String(month) }
}

// The six figures of the dashboard, from the nine the API knows.
import type { Dashboard, Figure, FigureId } from '@/api/overview'
import type { DecimalString } from '@/api/types'
import { sumAmounts } from '@/format/amount'
import { changeOf, type Change } from '@/format/change'

export type CardId = 'income' | 'expense' | 'result' | 'clients' | 'suppliers' | 'liquidity'

export interface FigureCard {
  id: CardId
  amount: DecimalString
  change: Change
  /** Whether the change is welcome; null where that depends. */
  good: boolean | null
  /** Since the first of January; null for what is counted at the end of a month. */
  yearToDate: { amount: DecimalString; change: Change } | null
  link: Figure['link']
}

/** The direction that is welcome. */
const WELCOME: Record<CardId, 'up' | 'down' | null> = {
  income: 'up',
  expense: 'down',
  result: 'up',
  clients: null,
  suppliers: null,
  liquidity: 'up',
}

export function figureCards({ figures }: Dashboard): FigureCard[] {
  const find = (id: FigureId) => figures.find((figure) => figure.id === id)
  const plain = (['income', 'expense', 'result', 'clients', 'suppliers'] as const).flatMap((id) => {
    const figure = find(id)
    return figure ? [card(id, figure)] : []
  })
  const stocks = [find('cash'), find('bank')].filter((figure) => figure !== undefined)
  if (stocks.length === 0) return plain
  const liquidity = card('liquidity', {
    current: sumAmounts(stocks.map(({ current }) => current)),
    previousYear: sumAmounts(stocks.map(({ previousYear }) => previousYear)),
    yearToDate: null,
    previousYearToDate: null,
    link: { report: 'treasury', parameters: {} },
  })
  return [...plain, liquidity]
}

function card(id: CardId, { current, previousYear, yearToDate, previousYearToDate, link }: Omit<Figure, 'id'>): FigureCard {
  const change = changeOf(current, previousYear)
  const welcome = WELCOME[id]
  return {
    id,
    amount: current,
    change,
    good: welcome === null || change.direction === 'same' ? null : change.direction === welcome,
    yearToDate: yearToDate === null || previousYearToDate === null ? null : { amount: yearToDate, change: changeOf(yearToDate, previousYearToDate) },
    link,
  }
}

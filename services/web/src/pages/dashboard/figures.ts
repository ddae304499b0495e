// The six figures of the dashboard, from the nine the API knows.
import type { Dashboard, Figure, FigureId } from '@/api/overview'
import type { DecimalString } from '@/api/types'
import { sumAmounts } from '@/format/amount'
import { changeOf, type Change } from '@/format/change'

export type CardId = 'income' | 'expense' | 'result' | 'clients' | 'suppliers' | 'liquidity'

export interface FigureCard {
  id: CardId
  amount: DecimalString
  /** Null where the books do not reach back. */
  change: Change | null
  /** Whether the change is welcome; null where that depends. */
  good: boolean | null
  /** Since the first of January; null for what is counted at the end of a month. */
  yearToDate: { amount: DecimalString; change: Change | null } | null
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
  const before = stocks.map(({ previousYear }) => previousYear).filter((amount) => amount !== null)
  const liquidity = card('liquidity', {
    current: sumAmounts(stocks.map(({ current }) => current)),
    previousYear: before.length === stocks.length ? sumAmounts(before) : null,
    yearToDate: null,
    previousYearToDate: null,
    link: { report: 'treasury', parameters: {} },
  })
  return [...plain, liquidity]
}

function card(id: CardId, { current, previousYear, yearToDate, previousYearToDate, link }: Omit<Figure, 'id'>): FigureCard {
  const change = changeSince(current, previousYear)
  const welcome = WELCOME[id]
  return {
    id,
    amount: current,
    change,
    good: welcome === null || change === null || change.direction === 'same' ? null : change.direction === welcome,
    yearToDate: yearToDate === null ? null : { amount: yearToDate, change: changeSince(yearToDate, previousYearToDate) },
    link,
  }
}

function changeSince(current: DecimalString, before: DecimalString | null): Change | null {
  return before === null ? null : changeOf(current, before)
}

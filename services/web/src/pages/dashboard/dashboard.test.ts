import { describe, expect, it } from 'vitest'
import type { Dashboard, Figure } from '@/api/overview'
import { ageingChart, liquidityChart, resultChart, type ChartWords } from './charts'
import { figureCards } from './figures'

const figure = (id: Figure['id'], current: string, previousYear: string, more: Partial<Figure> = {}): Figure => ({
  id, current, previousYear, yearToDate: null, previousYearToDate: null, link: { report: `of-${id}`, parameters: {} }, ...more,
})
const month = (year: number, number: number, liquidity: string) => ({ year, month: number, income: '10.10', expense: '4.05', receipts: '1.00', payments: '2.00', liquidity })
const buckets = (current: string, older: string) => ({ current, days30: '1.00', days60: '0.00', days90: '0.00', older })
const dashboard: Dashboard = {
  server: 'main', company: { id: '7', name: 'Carpatica', taxId: null, currency: 'RON' }, year: 2026, month: 1, generatedAt: '2026-02-01T08:00:00Z',
  figures: [
    figure('income', '120.00', '100.00', { yearToDate: '120.00', previousYearToDate: '100.00' }),
    figure('expense', '80.00', '100.00'),
    figure('result', '40.00', '-5.00'),
    figure('cash', '10.05', '10.00'),
    figure('bank', '20.10', '40.00'),
  ],
  months: [month(2025, 12, '-3.00'), month(2026, 1, '30.15')],
  ageing: { clients: buckets('5.00', '2.50'), suppliers: buckets('0.00', '0.00') },
  overdue: [],
}
const words: ChartWords = {
  t: (key, values) => `${key} ${JSON.stringify(values ?? {})}`,
  locale: 'ro',
  drill: (report, parameters) => `/${report}?${new URLSearchParams(parameters)}`,
}

describe('figures of the dashboard', () => {
  const cards = new Map(figureCards(dashboard).map((card) => [card.id, card]))

  it('say whether a change is welcome', () => {
    expect(cards.get('income')).toMatchObject({ good: true, change: { direction: 'up', percent: '20,0' } })
    expect(cards.get('expense')).toMatchObject({ good: true, change: { direction: 'down' } })
    expect(cards.get('liquidity')?.good).toBe(false)
  })

  it('put cash and bank together, to the cent', () => {
    expect(cards.get('liquidity')).toMatchObject({ amount: '30.15', change: { difference: '-19.85' }, link: { report: 'treasury' } })
  })

  it('compare with nothing where the books do not reach back', () => {
    const young = figureCards({ ...dashboard, figures: [figure('income', '1.00', '1.00', { previousYear: null, yearToDate: '9.00' }), figure('cash', '1.00', '2.00', { previousYear: null }), figure('bank', '1.00', '2.00')] })
    expect(young).toMatchObject([
      { id: 'income', change: null, good: null, yearToDate: { amount: '9.00', change: null } },
      { id: 'liquidity', amount: '2.00', change: null },
    ])
  })

  it('leave out what the API does not send, and have no year so far where there is none', () => {
    expect([...cards.keys()]).toEqual(['income', 'expense', 'result', 'liquidity'])
    expect(cards.get('income')?.yearToDate?.amount).toBe('120.00')
    expect(cards.get('result')?.yearToDate).toBeNull()
  })
})

describe('charts of the dashboard', () => {
  it('lead each month to its own report', () => {
    expect(liquidityChart(dashboard, words).links).toEqual(['/treasury?year=2025&month=12', '/treasury?year=2026&month=1'])
    expect(resultChart(dashboard, words).links[0]).toBe('/of-income?year=2025&month=12')
    expect(ageingChart(dashboard, words).links).toEqual(['/ageing-clients?', '/ageing-suppliers?'])
  })

  it('keep amounts exact and say them in words', () => {
    expect(liquidityChart(dashboard, words).series[0]?.amounts).toEqual(['-3.00', '30.15'])
    expect(liquidityChart(dashboard, words).summary).toContain('"lowest":"-3,00","lowestMonth":"decembrie 2025"')
    expect(resultChart(dashboard, words).summary).toContain('{"income":"20,20","expense":"8,10","result":"12,10"}')
    expect(ageingChart(dashboard, words).summary).toContain('"clients":"3,50","clientsTotal":"8,50"')
  })

  it('stand for an empty company too', () => {
    const empty = { ...dashboard, months: [], figures: [] }
    expect(liquidityChart(empty, words)).toMatchObject({ labels: [], summary: '' })
    expect(figureCards(empty)).toEqual([])
  })
})

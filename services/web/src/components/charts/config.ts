// From what a chart shows to what Chart.js draws: axes, colours, the text under the pointer.
import type { ChartConfiguration, ChartDataset } from 'chart.js'
import { formatAmount } from '@/format/amount'
import { formatCompact, type CompactUnits } from '@/format/compact'
import type { ChartData } from './types'

export interface ChartLook {
  /** The value of a colour token. */
  colour: (token: string) => string
  font: string
  units: CompactUnits
  /** No movement for those who asked for none, and none on paper. */
  still: boolean
}

type Config = ChartConfiguration<'bar' | 'line', number[], string>

export function chartConfig(data: ChartData, look: ChartLook, open: (index: number) => void): Config {
  const stack = data.kind === 'stack'
  const values = { beginAtZero: true, stacked: stack, grid: { color: look.colour('line') }, border: { display: false } }
  const names = { stacked: stack, grid: { display: false }, border: { color: look.colour('control') } }
  const ticks = { color: look.colour('muted'), font: { family: look.font, size: 12 } }
  const compact = { ...ticks, maxTicksLimit: 6, callback: (value: string | number) => formatCompact(Number(value), look.units) }
  // Two short lines under the axis instead of one that would be turned.
  const lines = { ...ticks, maxRotation: 0, callback: (_value: string | number, index: number) => (data.labels[index] ?? '').split(' ') }
  return {
    type: data.kind === 'line' ? 'line' : 'bar',
    data: { labels: [...data.labels], datasets: data.series.map((_, index) => dataset(data, index, look)) },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: stack ? 'y' : 'x',
      animation: look.still ? false : { duration: 250 },
      interaction: { mode: 'index', intersect: false, axis: stack ? 'y' : 'x' },
      onClick: (_event, elements) => {
        const first = elements[0]
        if (first) open(first.index)
      },
      scales: {
        x: stack ? { ...values, ticks: compact } : { ...names, ticks: lines },
        y: stack ? { ...names, ticks } : { ...values, ticks: compact },
      },
      plugins: {
        tooltip: {
          backgroundColor: look.colour('text'),
          titleColor: look.colour('surface'),
          bodyColor: look.colour('surface'),
          bodyFont: { family: look.font },
          titleFont: { family: look.font },
          boxPadding: 4,
          callbacks: {
            label: ({ datasetIndex, dataIndex }) => {
              const series = data.series[datasetIndex]
              return series ? `${series.name}: ${formatAmount(series.amounts[dataIndex] ?? '0')}` : ''
            },
          },
        },
      },
    },
  }
}

function dataset(data: ChartData, index: number, look: ChartLook): ChartDataset<'bar' | 'line', number[]> {
  const { name, colour, amounts } = data.series[index]!
  const value = look.colour(colour)
  const common = { label: name, data: amounts.map(Number) }
  if (data.kind === 'line') {
    return {
      ...common, type: 'line', borderColor: value, backgroundColor: look.colour('primary-tint'), pointBackgroundColor: value,
      borderWidth: 2, pointRadius: 2, pointHoverRadius: 5, cubicInterpolationMode: 'monotone', fill: data.series.length === 1,
    }
  }
  // A line of the background between neighbours: colour alone never parts them.
  return { ...common, type: 'bar', backgroundColor: value, borderColor: look.colour('surface'), borderWidth: data.kind === 'stack' ? 1 : 0, maxBarThickness: 28 }
}

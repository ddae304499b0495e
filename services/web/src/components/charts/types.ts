// What a chart shows, apart from how it is drawn. Amounts stay exact strings; they become numbers only to
// find their place on paper.
import type { RouteLocationRaw } from 'vue-router'
import type { DecimalString } from '@/api/types'

export interface ChartSeries {
  name: string
  /** Name of a colour among the tokens, such as "series-1". */
  colour: string
  amounts: readonly DecimalString[]
}

export interface ChartData {
  kind: 'line' | 'bars' | 'stack'
  /** What stands along the axis. */
  labels: readonly string[]
  series: readonly ChartSeries[]
  /** Where each label leads, in the order of the labels. */
  links: readonly (RouteLocationRaw | undefined)[]
  /** The chart in one or two sentences. */
  summary: string
}

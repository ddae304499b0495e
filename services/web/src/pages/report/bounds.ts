// Parameters that are the last days of periods, as those of an ageing report are: `bound1`, `bound2` and so on.
import type { ReportDefinition, ReportParameter } from '@/api/catalogue'

const LARGEST = 9_999

export function isBound({ name, kind }: Pick<ReportParameter, 'name' | 'kind'>): boolean {
  return kind === 'integer' && /^bound\d$/.test(name)
}

export function boundsOf({ parameters }: Pick<ReportDefinition, 'parameters'>): ReportParameter[] {
  return parameters.filter(isBound).sort((left, right) => (left.name < right.name ? -1 : 1))
}

/** The index of the first text that is no whole number above the one before; -1 where all are. */
export function wrongBound(texts: readonly string[]): number {
  return texts.findIndex((text, index) => {
    const [value, before] = [Number(text), index === 0 ? 0 : Number(texts[index - 1])]
    return !/^\d{1,4}$/.test(text.trim()) || value <= before || value > LARGEST
  })
}

// Short amounts for axes: "1,2 mil.". Only where the exact figure stands beside it.

export interface CompactUnits {
  thousand: string
  million: string
  billion: string
}

export function formatCompact(value: number, units: CompactUnits): string {
  const steps = [[1e9, units.billion], [1e6, units.million], [1e3, units.thousand]] as const
  const [size, unit] = steps.find(([from]) => Math.abs(value) >= from) ?? [1, '']
  const scaled = value / size
  const digits = Math.abs(scaled) < 10 && size > 1 ? 1 : 0
  const text = scaled.toFixed(digits).replace(/\.0$/, '').replace('.', ',')
  return unit ? `${text} ${unit}` : text
}

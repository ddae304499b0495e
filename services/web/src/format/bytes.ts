// Sizes of files.
const UNITS = ['B', 'KB', 'MB', 'GB'] as const

/** "0 B", "640 KB", "1,2 MB": in thousands, as the dialogs of browsers count. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), UNITS.length - 1)
  const scaled = bytes / 1000 ** power
  const digits = power >= 2 && scaled < 100 ? 1 : 0
  return `${scaled.toFixed(digits).replace('.', ',')} ${UNITS[power]}`
}

// A QR code as the data of one SVG path, which needs neither images nor inline styles.
import { encode } from 'uqr'

export interface QrPath {
  /** Side of the square view box, in modules, border included. */
  size: number
  path: string
}

export function qrPath(text: string): QrPath {
  const { data, size } = encode(text, { ecc: 'M', border: 2 })
  const runs: string[] = []
  data.forEach((row, y) => {
    let x = 0
    while (x < row.length) {
      let end = x
      while (end < row.length && row[end]) end++
      if (end > x) runs.push(`M${x} ${y}h${end - x}v1h-${end - x}z`)
      x = end + 1
    }
  })
  return { size, path: runs.join('') }
}

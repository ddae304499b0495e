import { encode } from 'uqr'
import { expect, it } from 'vitest'
import { qrPath } from './qr'

it('draws exactly the dark modules of the code', () => {
  const link = 'https://t.me/reportapp_bot?start=AB12CD34'
  const { size, path } = qrPath(link)
  const dark = new Set<string>()
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let i = 0; i < Number(width); i++) dark.add(`${Number(x) + i},${y}`)
  }
  const { data } = encode(link, { ecc: 'M', border: 2 })
  expect(size).toBe(data.length)
  data.forEach((row, y) => row.forEach((on, x) => expect(dark.has(`${x},${y}`)).toBe(on)))
})

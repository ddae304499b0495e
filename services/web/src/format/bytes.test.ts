import { expect, it } from 'vitest'
import { formatBytes } from './bytes'

it('counts sizes in thousands, the large ones with a decimal', () => {
  expect([0, 999, 1_000, 640_400, 1_240_000, 99_900_000, 812_000_000, 5_300_000_000].map(formatBytes)).toEqual([
    '0 B', '999 B', '1 KB', '640 KB', '1,2 MB', '99,9 MB', '812 MB', '5,3 GB',
  ])
})

import { expect, it } from 'vitest'
import { formatBytes, share } from './size'

it('says bytes in the largest unit that is not below one', () => {
  const sizes = [0, 1023, 1024, 1536, 9.97 * 1024, 64 * 1024 * 1024, 5 * 1024 ** 4]
  expect(sizes.map(formatBytes)).toEqual(['0 B', '1023 B', '1 KiB', '1,5 KiB', '10 KiB', '64 MiB', '5120 GiB'])
})

it('says a share, and nothing of nothing', () => {
  expect([share(5, 6), share(0, 3), share(0, 0)]).toEqual(['83 %', '0 %', null])
})

import { expect, it } from 'vitest'
import { formatBytes, share } from './size'

it('says bytes in the largest unit that is not below one', () => {
  expect([0, 1023, 1024, 1536, 64 * 1024 * 1024].map((bytes) => formatBytes(bytes, 'en'))).toEqual(['0 B', '1,023 B', '1 KiB', '1.5 KiB', '64 MiB'])
  expect(formatBytes(1536, 'ro')).toBe('1,5 KiB')
})

it('says a share, and nothing of nothing', () => {
  expect(share(5, 6, 'en')).toBe('83%')
  expect(share(0, 0, 'en')).toBeNull()
})

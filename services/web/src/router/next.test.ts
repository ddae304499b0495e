import { expect, it } from 'vitest'
import { safeNext } from './next'

it('returns to paths of the application and nowhere else', () => {
  expect(safeNext('/balanta?company=1&p=2026-10')).toBe('/balanta?company=1&p=2026-10')
  for (const value of [undefined, '', 'https://evil.example', '//evil.example', '/\\evil.example', ['/a'], '/login?next=/', '/password-reset']) {
    expect(safeNext(value)).toBe('/')
  }
})

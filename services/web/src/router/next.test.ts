import { expect, it } from 'vitest'
import { readServer, safeNext, serverOf } from './next'

it('returns to paths of the application and nowhere else', () => {
  expect(safeNext('/balanta?company=1&p=2026-10')).toBe('/balanta?company=1&p=2026-10')
  for (const value of [undefined, '', 'https://evil.example', '//evil.example', '/\\evil.example', ['/a'], '/login?next=/', '/password-reset']) {
    expect(safeNext(value)).toBe('/')
  }
})

it('knows which server an address is about', () => {
  expect(serverOf('/balanta?p=2026-10&server=nord')).toBe('nord')
  for (const path of ['/balanta', '/', '/balanta?server=']) expect(serverOf(path)).toBeUndefined()
  expect(readServer({ server: ['nord', 'main'] })).toBe('nord')
  expect(readServer({ server: '' }), 'the accounts of the application').toBe('')
  for (const query of [{}, { server: null }]) expect(readServer(query)).toBeUndefined()
})

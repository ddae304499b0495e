import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { APPLICATION, pick, useServerChoice } from './useServerChoice'

const main = { server: 'main', title: 'main', kind: 'erp' as const }
const nord = { server: 'nord', title: 'nord', kind: 'erp' as const }
const here = { server: null, title: 'demo', kind: 'store' as const }

let asked: unknown[]
function answer(...answers: (() => Promise<Response>)[]): void {
  asked = []
  vi.stubGlobal('fetch', (_: URL, init: RequestInit) => {
    asked.push(JSON.parse(String(init.body)))
    return answers.shift()!()
  })
}
const list = (...servers: object[]) => () => Promise.resolve(Response.json({ servers }))

beforeEach(() => {
  localStorage.clear()
  setActivePinia(createPinia())
})
afterEach(() => vi.unstubAllGlobals())

it('takes what is known if it is there, else the accounts of the application, and without it the first', () => {
  expect(pick([main, nord, here], 'nord')).toBe('nord')
  expect(pick([main, nord, here], APPLICATION)).toBe(APPLICATION)
  expect(pick([main, nord, here], 'gone')).toBe(APPLICATION)
  expect(pick([main, nord, here], undefined)).toBe('main')
  expect(pick([], undefined)).toBe(APPLICATION)
})

it('asks once, offers only a choice, and remembers it per name in any case', async () => {
  answer(list(main, nord, here))
  const choice = useServerChoice(() => undefined)
  expect(await choice.ask('Maria')).toBe(true)
  expect([choice.chosen.value, choice.offered.value]).toEqual(['main', true])
  choice.chosen.value = 'nord'
  expect(await choice.ask('maria'), 'made by the person').toBe(false)
  expect(choice.chosen.value).toBe('nord')
  choice.remember('maria')
  expect(asked).toEqual([{ username: 'Maria' }])

  answer(list(main, nord, here), list(here))
  const later = useServerChoice(() => undefined)
  expect(await later.ask(' MARIA')).toBe(false)
  expect(later.chosen.value).toBe('nord')
  const single = useServerChoice(() => undefined)
  expect(await single.ask('maria')).toBe(false)
  expect([single.chosen.value, single.offered.value]).toEqual([APPLICATION, false])
})

it('follows the address, and asks again after a failure', async () => {
  answer(() => Promise.reject(new TypeError('no answer')), list(main, nord, here))
  const choice = useServerChoice(() => 'nord')
  expect(await choice.ask('maria')).toBe(false)
  expect(choice.chosen.value).toBe(APPLICATION)
  expect(await choice.ask('maria')).toBe(false)
  expect(choice.chosen.value).toBe('nord')
})

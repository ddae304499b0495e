import { describe, expect, it } from 'vitest'
import { findEntries } from './match'

const entries = [
  { title: 'Panou' },
  { title: 'Solduri furnizori' },
  { title: 'Balanță' },
  { title: 'Fișă cont', words: 'ledger card' },
  { title: 'Țesătoria Șapte Coline SRL', words: 'RO33034700 main' },
  { title: 'octombrie 2026', words: '2026-10 10.2026' },
]
const found = (query: string) => findEntries(entries, query).map(({ title }) => title)

describe('the palette', () => {
  it('finds whatever the case and the marks, with either letter below or with a cedilla', () => {
    expect(found('balanta')).toEqual(['Balanță'])
    expect(found('SAPTE')).toEqual(['Țesătoria Șapte Coline SRL'])
    expect(found('ţesă')).toEqual(['Țesătoria Șapte Coline SRL'])
  })

  it('takes every word, in any order, also from what an entry is known by', () => {
    expect(found('furn sold')).toEqual(['Solduri furnizori'])
    expect(found('ro3303')).toEqual(['Țesătoria Șapte Coline SRL'])
    expect(found('10.2026')).toEqual(['octombrie 2026'])
    expect(found('sold balanta')).toEqual([])
  })

  it('puts a beginning before a word, a word before its inside, and letters that follow last', () => {
    const some = [{ title: 'Facont' }, { title: 'Fișă cont' }, { title: 'Contul meu' }, { title: 'C-o-n-t' }]
    expect(findEntries(some, 'cont').map(({ title }) => title)).toEqual(['Contul meu', 'Fișă cont', 'Facont', 'C-o-n-t'])
  })

  it('finds letters in their order from the beginning of a word', () => {
    expect(found('blt')).toEqual(['Balanță'])
    expect(found('frz')).toEqual(['Solduri furnizori'])
    expect(found('lnt')).toEqual([])
  })

  it('shows all of them in their order while nothing is typed', () => {
    expect(found('  ')).toEqual(entries.map(({ title }) => title))
  })
})

import { createPinia, setActivePinia } from 'pinia'
import { nextTick } from 'vue'
import { beforeEach, describe, expect, it } from 'vitest'
import { useFolds } from './folds'

function fresh() {
  setActivePinia(createPinia())
  return useFolds()
}

beforeEach(() => localStorage.clear())

describe('folds', () => {
  it('are open under headings until somebody closes one, or all', () => {
    const folds = fresh()
    expect(folds.of('journal')).toEqual({ headings: true, open: true })
    folds.toggle('journal', 'NC-1')
    expect([folds.isOpen('journal', 'NC-1'), folds.isOpen('journal', 'NC-2')]).toEqual([false, true])
    folds.toggle('journal', 'NC-1')
    expect(folds.isOpen('journal', 'NC-1')).toBe(true)
    folds.toggle('journal', 'NC-1')
    folds.set('journal', { open: false })
    expect([folds.isOpen('journal', 'NC-1'), folds.isOpen('journal', 'NC-2')]).toEqual([false, false])
  })

  it('are remembered for each report, single ones are not', async () => {
    const folds = fresh()
    folds.set('journal', { open: false })
    folds.toggle('journal', 'NC-1')
    await nextTick()
    expect(fresh().of('journal')).toEqual({ headings: true, open: false })
    expect(fresh().isOpen('journal', 'NC-1')).toBe(false)
    expect(fresh().of('other').open).toBe(true)
  })

  it('survive what another hand left in storage', () => {
    localStorage.setItem('reportapp:/:folds', '{"journal":null,"a":{"open":false},"b":7}')
    const folds = fresh()
    expect([folds.of('journal'), folds.of('a'), folds.of('b')]).toEqual([
      { headings: true, open: true }, { headings: true, open: false }, { headings: true, open: true },
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { en } from './en'
import { pluralIndex } from './plural'
import { ro } from './ro'

function leaves(node: object, path = ''): [string, string][] {
  return Object.entries(node).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value as object, `${path}${key}.`),
  )
}

describe('plurals', () => {
  it('follow the Romanian rule of one, few and "de"', () => {
    const forms = ['cont', 'conturi', 'de conturi']
    const spoken = (count: number) => forms[pluralIndex('ro', count)]
    expect([1, 0, 2, 5, 19, 101, 119].map(spoken)).toEqual([
      'cont', 'conturi', 'conturi', 'conturi', 'conturi', 'conturi', 'conturi',
    ])
    expect([20, 21, 100, 148, 1000].map(spoken)).toEqual(Array(5).fill('de conturi'))
  })

  it('follow the English rule', () => {
    expect([0, 1, 2, 21].map((count) => pluralIndex('en', count))).toEqual([1, 0, 1, 1])
  })
})

describe('texts', () => {
  const english = new Map(leaves(en))

  it('exist in both languages and are never empty', () => {
    expect([...english.keys()]).toEqual(leaves(ro).map(([path]) => path))
    for (const [, text] of [...leaves(ro), ...leaves(en)]) expect(text.trim()).not.toBe('')
  })

  it('take the same values in both languages', () => {
    const names = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()
    for (const [path, text] of leaves(ro)) expect(names(english.get(path) ?? '')).toEqual(names(text))
  })

  it('spell Romanian letters with commas below, never cedillas', () => {
    for (const [, text] of leaves(ro)) expect(text).not.toMatch(/[şţŞŢ]/)
  })
})

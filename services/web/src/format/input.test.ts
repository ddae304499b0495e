import { describe, expect, it } from 'vitest'
import { inputText, parseInput } from './input'
import { formatInteger } from './number'

describe('typed values', () => {
  it('are amounts in the Romanian and in the plain form', () => {
    for (const [typed, value] of [['1.234,5', '1234.50'], ['1234.5', '1234.50'], ['1.234', '1234.00'], ['-0,07', '-0.07'], [' 12 ', '12.00'], ['1.234.567,89', '1234567.89']]) {
      expect(parseInput('amount', typed!), typed).toBe(value)
    }
    for (const typed of ['', 'x', '1,2,3', '1,234', '12.345.6']) expect(parseInput('amount', typed), typed).toBeNull()
  })

  it('are whole numbers or texts', () => {
    expect(parseInput('integer', ' 030')).toBe('30')
    expect(parseInput('integer', '3,5')).toBeNull()
    expect(parseInput('text', '  4111 ')).toBe('4111')
    expect(parseInput('text', ' ')).toBeNull()
  })

  it('stand in their input the way they are read', () => {
    expect(inputText('amount', '1234.50')).toBe('1.234,50')
    expect(inputText('text', '4111')).toBe('4111')
  })
})

describe('whole numbers', () => {
  it('are grouped from five digits on, so that years stay years', () => {
    expect([0, 7, 2026, 12345, -1234567].map(formatInteger)).toEqual(['0', '7', '2026', '12.345', '-1.234.567'])
  })
})

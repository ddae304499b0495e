import { describe, expect, it } from 'vitest'
import { PRINT_ROWS, printRows } from './rows'

describe('rows on paper', () => {
  it('are all of them, up to the limit, and tell how many there are', () => {
    expect(printRows(['a', 'b'])).toEqual({ rows: ['a', 'b'], of: 2 })
    const many = Array.from({ length: PRINT_ROWS + 5 }, (_, i) => i)
    expect(printRows(many).rows).toHaveLength(PRINT_ROWS)
    expect(printRows(many).of).toBe(PRINT_ROWS + 5)
  })

  it('leave out what has not come yet, and count it', () => {
    expect(printRows(['a', undefined, 'c'])).toEqual({ rows: ['a', 'c'], of: 3 })
  })
})

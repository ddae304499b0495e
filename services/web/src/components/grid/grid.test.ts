import { describe, expect, it } from 'vitest'
import { headerGroups, nextSort, nextSorts, type GridSort } from './types'
import { HEADER_ROW, moveCell, type GridSize } from './useGridKeys'

const size: GridSize = { rows: 100, columns: 8, page: 20 }
const from = (row: number, column: number, key: string, control = false) => {
  const cell = moveCell({ row, column }, key, control, size)
  return cell && [cell.row, cell.column]
}

describe('grid keys', () => {
  it('move one cell and stop at the edges', () => {
    expect(from(5, 3, 'ArrowDown')).toEqual([6, 3])
    expect(from(99, 7, 'ArrowDown')).toEqual([99, 7])
    expect(from(5, 7, 'ArrowRight')).toEqual([5, 7])
    expect(from(5, 0, 'ArrowLeft')).toEqual([5, 0])
  })

  it('reach the headings above the first row', () => {
    expect(from(0, 2, 'ArrowUp')).toEqual([HEADER_ROW, 2])
    expect(from(HEADER_ROW, 2, 'ArrowUp')).toEqual([HEADER_ROW, 2])
    expect(from(HEADER_ROW, 2, 'ArrowDown')).toEqual([0, 2])
  })

  it('jump by page and to the ends', () => {
    expect(from(5, 3, 'PageDown')).toEqual([25, 3])
    expect(from(5, 3, 'PageUp')).toEqual([0, 3])
    expect(from(5, 3, 'Home')).toEqual([5, 0])
    expect(from(5, 3, 'End', true)).toEqual([99, 7])
    expect(from(5, 3, 'Home', true)).toEqual([0, 0])
  })

  it('leave other keys alone', () => {
    expect(from(5, 3, 'a')).toBeNull()
    expect(from(5, 3, 'Tab')).toBeNull()
  })
})

describe('grid headings', () => {
  it('group neighbours and skip ungrouped columns', () => {
    expect(headerGroups([{}, {}, { group: 'A' }, { group: 'A' }, { group: 'B' }])).toEqual([
      { label: 'A', start: 3, span: 2 },
      { label: 'B', start: 5, span: 1 },
    ])
  })

  it('cycle through three orders, numbers from the largest', () => {
    expect(nextSort(null, 'name', false)).toEqual({ key: 'name', descending: false })
    expect(nextSort({ key: 'name', descending: false }, 'name', false)).toEqual({ key: 'name', descending: true })
    expect(nextSort({ key: 'name', descending: true }, 'name', false)).toBeNull()
    expect(nextSort(null, 'sum', true)).toEqual({ key: 'sum', descending: true })
    expect(nextSort({ key: 'sum', descending: true }, 'sum', true)).toEqual({ key: 'sum', descending: false })
    expect(nextSort({ key: 'sum', descending: false }, 'sum', true)).toBeNull()
  })

  it('sort by one column, or by one more where the first are equal', () => {
    const byName: GridSort = { key: 'name', descending: false }
    const bySum: GridSort = { key: 'sum', descending: true }
    expect(nextSorts([byName], 'sum', true, false)).toEqual([bySum])
    expect(nextSorts([byName], 'sum', true, true)).toEqual([byName, bySum])
    expect(nextSorts([byName, bySum], 'sum', true, true)).toEqual([byName, { key: 'sum', descending: false }])
    expect(nextSorts([byName, { key: 'sum', descending: false }], 'sum', true, true)).toEqual([byName])
    expect(nextSorts([byName, bySum], 'sum', true, false)).toEqual([bySum])
    expect(nextSorts([{ key: 'name', descending: true }], 'name', false, false)).toEqual([])
  })
})

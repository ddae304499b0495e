// The active cell of a grid and the keys that move it. The grid itself keeps the focus, so that a cell that
// scrolls out of the drawn rows never takes the focus with it.
import { ref, type Ref } from 'vue'

/** Row -1 is the column headings. */
export const HEADER_ROW = -1

export interface GridSize {
  rows: number
  columns: number
  /** Rows in one screen. */
  page: number
}

export interface Cell {
  row: number
  column: number
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)

/** Where a key leads from a cell; null when it is not a grid key. */
export function moveCell(cell: Cell, key: string, control: boolean, size: GridSize): Cell | null {
  const { row, column } = cell
  const lastRow = size.rows - 1
  const lastColumn = size.columns - 1
  const at = (newRow: number, newColumn: number): Cell => ({
    row: clamp(newRow, HEADER_ROW, lastRow),
    column: clamp(newColumn, 0, lastColumn),
  })
  switch (key) {
    case 'ArrowUp': return control ? at(0, column) : at(row - 1, column)
    case 'ArrowDown': return control ? at(lastRow, column) : at(row + 1, column)
    case 'ArrowLeft': return at(row, control ? 0 : column - 1)
    case 'ArrowRight': return at(row, control ? lastColumn : column + 1)
    case 'Home': return at(control ? 0 : row, 0)
    case 'End': return at(control ? lastRow : row, lastColumn)
    case 'PageUp': return at(Math.max(0, row - size.page), column)
    case 'PageDown': return at(row + size.page, column)
    default: return null
  }
}

export interface GridActions {
  moved: (cell: Cell) => void
  /** `add` keeps the columns sorted by so far. */
  sort: (column: number, add: boolean) => void
  /** Follows what the cell leads to; answers whether it leads anywhere. */
  open: (cell: Cell) => boolean
  /** Opens or closes the heading; answers whether the row is one. */
  fold: (row: number) => boolean
}

export function useGridKeys(size: () => GridSize, on: GridActions, start: Cell = { row: 0, column: 0 }) {
  const active: Ref<Cell> = ref(start)

  function activate(cell: Cell): void {
    active.value = cell
    on.moved(cell)
  }

  function onKeydown(event: KeyboardEvent): void {
    if (event.altKey) return
    if ((event.key === 'Enter' || event.key === ' ') && active.value.row === HEADER_ROW) {
      event.preventDefault()
      on.sort(active.value.column, event.shiftKey)
      return
    }
    if (event.shiftKey) return
    const enter = event.key === 'Enter'
    if ((enter && on.open(active.value)) || ((enter || event.key === ' ') && on.fold(active.value.row))) {
      event.preventDefault()
      return
    }
    const target = moveCell(active.value, event.key, event.ctrlKey || event.metaKey, size())
    if (!target) return
    event.preventDefault()
    activate(target)
  }

  return { active, activate, onKeydown }
}

// Where somebody was in a grid, so that coming back by the browser's own button finds the same cell. Kept
// for the life of the page alone, by entry of the browser's history.
import { useRoute } from 'vue-router'
import type { Cell } from './useGridKeys'

const places = new Map<string, Cell>()

export function usePlace() {
  const { path } = useRoute()
  const position = String((history.state as { position?: number } | null)?.position ?? '')
  const entry = `${position} ${path}`
  return {
    keep: (cell: Cell) => void places.set(entry, cell),
    kept: (): Cell => places.get(entry) ?? { row: 0, column: 0 },
  }
}

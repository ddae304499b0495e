// How lines are folded on each report: under headings or not, and open or closed from the start. Remembered in this
// browser; what somebody opened or closed by itself only for the life of the page.
import { defineStore } from 'pinia'
import { reactive, watch } from 'vue'
import { readStored, writeStored } from './storage'

export interface FoldState {
  headings: boolean
  open: boolean
}

const NAME = 'folds'
const USUAL: FoldState = { headings: true, open: true }

export const useFolds = defineStore(NAME, () => {
  const kept = reactive<Record<string, FoldState>>(sanitise(readStored(NAME)))
  watch(kept, () => writeStored(NAME, kept), { deep: true })
  /** Report → what is the other way round than the rest. */
  const others = reactive<Record<string, Record<string, true>>>({})

  const of = (report: string): FoldState => kept[report] ?? USUAL
  const isOpen = (report: string, key: string): boolean => of(report).open !== (others[report]?.[key] ?? false)

  function toggle(report: string, key: string): void {
    const own = { ...others[report] }
    if (own[key]) delete own[key]
    else own[key] = true
    others[report] = own
  }

  /** All of them at once. */
  function set(report: string, part: Partial<FoldState>): void {
    kept[report] = { ...of(report), ...part }
    delete others[report]
  }

  return { of, isOpen, toggle, set }
})

function sanitise(stored: unknown): Record<string, FoldState> {
  const entries = typeof stored === 'object' && stored !== null ? Object.entries(stored as Record<string, Partial<FoldState> | null>) : []
  return Object.fromEntries(entries.map(([report, state]) => [report, { headings: state?.headings !== false, open: state?.open !== false }]))
}

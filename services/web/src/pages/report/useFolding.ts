// Folds the lines of a report that says what they belong to, where its order keeps them together.
import { computed, type Ref } from 'vue'
import type { ReportDefinition, ReportRow } from '@/api/catalogue'
import type { Order } from '@/router/query'
import { useFolds } from '@/stores/folds'
import { foldRows, groupRows, keepsTogether } from './fold'
import type { PresentColumn } from './rows'

interface Lines {
  present: Readonly<Ref<readonly PresentColumn[]>>
  /** Null while not all of them are here. */
  lines: Readonly<Ref<readonly ReportRow[] | null>>
  sort: Readonly<Ref<readonly Order[]>>
}

export function useFolding({ id, fold, sort: own }: ReportDefinition, { present, lines, sort }: Lines) {
  const store = useFolds()
  const state = computed(() => store.of(id))
  const column = computed(() => present.value.find(({ name }) => name === fold))
  const possible = computed(() => column.value !== undefined && lines.value !== null && keepsTogether(sort.value, own, column.value.name))
  const groups = computed(() => (possible.value && state.value.headings ? groupRows(present.value, lines.value!, column.value!.name) : null))
  const folded = computed(() => groups.value && foldRows(groups.value, (key) => store.isOpen(id, key)))
  return {
    column,
    possible,
    state,
    grouped: computed(() => groups.value !== null),
    rows: computed(() => folded.value?.rows ?? null),
    foldOf: computed(() => {
      const folds = folded.value?.folds
      return folds && ((row: ReportRow) => folds.get(row))
    }),
    toggle: (key: string) => store.toggle(id, key),
    set: (part: Parameters<typeof store.set>[1]) => store.set(id, part),
  }
}

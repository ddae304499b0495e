// The order of a grid in words, for those who do not see the arrow.
import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import type { GridSort } from './types'

interface Named {
  key: string
  label: string
  group?: string
}

export function useSortText(sort: Readonly<Ref<readonly GridSort[]>>, columns: Readonly<Ref<readonly Named[]>>) {
  const { t } = useI18n()
  return computed(() =>
    sort.value
      .flatMap(({ key, descending }) => {
        const column = columns.value.find((one) => one.key === key)
        if (!column) return []
        const name = column.group ? `${column.group} ${column.label}` : column.label
        return t('report.sortedBy', { column: name, direction: t(descending ? 'report.descending' : 'report.ascending') })
      })
      .join('. '),
  )
}

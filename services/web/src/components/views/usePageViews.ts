// The views of the present page: which of them it shows now, and how to come to another.
import { computed } from 'vue'
import { useRouter } from 'vue-router'
import { selectionPart } from '@/router/selectionQuery'
import { useAddress } from '@/router/useAddress'
import { useViews, viewKey, viewPart, type View } from '@/stores/views'

export function usePageViews(page: string) {
  const store = useViews()
  const router = useRouter()
  const { query } = useAddress()
  const kept = computed(() => store.of(page))
  const present = computed(() => viewPart(query.value))
  const current = computed(() => kept.value.views.find((view) => viewKey(view.query) === viewKey(present.value)) ?? null)
  /** The address says nothing but company and time. */
  const plain = computed(() => Object.keys(present.value).length === 0)

  /** Without a view: what the report shows by itself. */
  function show(view?: View): void {
    void router.push({ query: { ...selectionPart(query.value), ...view?.query } })
  }

  return { store, kept, present, current, plain, show }
}

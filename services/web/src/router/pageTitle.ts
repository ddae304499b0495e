// The name of the present page: the one its route gives it, or the one a page gives itself because it knows
// better, as a report does whose title comes with the catalogue.
import { computed, onScopeDispose, ref, watchEffect, type Ref } from 'vue'
import { useRoute } from 'vue-router'

const given = ref<string | null>(null)

/** Names the page for as long as it is shown. */
export function givePageTitle(title: Readonly<Ref<string>>): void {
  watchEffect(() => (given.value = title.value))
  onScopeDispose(() => {
    if (given.value === title.value) given.value = null
  })
}

export function usePageTitle(t: (key: string) => string) {
  const route = useRoute()
  return computed(() => given.value ?? (route.meta.title ? t(route.meta.title) : ''))
}

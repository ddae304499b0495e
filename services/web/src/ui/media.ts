// Media queries as refs.
import { onScopeDispose, getCurrentScope, readonly, ref, type Ref } from 'vue'

export function useMediaQuery(query: string): Readonly<Ref<boolean>> {
  const media = window.matchMedia(query)
  const matches = ref(media.matches)
  const update = () => (matches.value = media.matches)
  media.addEventListener('change', update)
  if (getCurrentScope()) onScopeDispose(() => media.removeEventListener('change', update))
  return readonly(matches)
}

/** Below 640 px: bottom bar, sheets, two-line rows. */
export function usePhone(): Readonly<Ref<boolean>> {
  return useMediaQuery('(max-width: 639.98px)')
}

// True only once the source has been true for a while, so that quick answers show no skeleton.
import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue'

export const SKELETON_DELAY_MS = 200

export function useDelayed(source: Readonly<Ref<boolean>>, delayMs = SKELETON_DELAY_MS): Readonly<Ref<boolean>> {
  const delayed = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    source,
    (on) => {
      clearTimeout(timer)
      if (on) timer = setTimeout(() => (delayed.value = true), delayMs)
      else delayed.value = false
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return readonly(delayed)
}

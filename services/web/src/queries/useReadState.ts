// What a page that reads shows instead of figures: the first failure, or a skeleton once waiting takes long.
import type { UseQueryReturnType } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { useDelayed } from '@/ui/useDelayed'

type Read = Pick<UseQueryReturnType<unknown, Error>, 'isError' | 'error' | 'isFetching' | 'refetch'>

/** `settled`: there are figures, or a known reason for none. */
export function useReadState(reads: readonly Read[], settled: Readonly<Ref<boolean>>) {
  const failed = computed(() => reads.find((read) => read.isError.value))
  const skeleton = useDelayed(computed(() => !failed.value && !settled.value))
  const failure = computed(() => failed.value && { error: failed.value.error.value, busy: failed.value.isFetching.value })
  const retry = () => void failed.value?.refetch()
  return { failure, skeleton, retry }
}

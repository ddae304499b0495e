// The present, told anew twice a minute: enough for words such as "2 min ago".
import { onScopeDispose, readonly, ref, type Ref } from 'vue'

const EVERY_MS = 30_000

export function useMinute(): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), EVERY_MS)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}

// What the signed-in user may do, asked once per session. Only for what is shown: the API decides.
import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { fetchOwnPermissions } from '@/api/administration'
import { allows } from '@/format/permission'

export function useAccess() {
  const own = useQuery({ queryKey: ['permissions'], queryFn: ({ signal }) => fetchOwnPermissions(signal) })
  const held = computed(() => own.data.value?.permissions ?? [])
  const level = computed(() => own.data.value?.level ?? 0)
  const isEnterprise = computed(() => own.data.value?.userType === 'enterprise_admin')
  /** Whether a permission such as `users:edit` is held. */
  const can = (needed: string) => allows(held.value, needed)
  return { can, level, isEnterprise }
}

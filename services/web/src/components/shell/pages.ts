// The pages of the navigation, in order, and those of them somebody may open.
import { computed } from 'vue'
import { useAccess } from '@/queries/useAccess'
import type { IconName } from '@/ui/icons'

interface Page {
  route: string
  label: string
  icon: IconName
  /** One of these permissions; absent: everybody. */
  needs?: readonly string[]
}

/** The parts of the administration. */
export const ADMIN_PAGES: readonly Page[] = [
  { route: 'users', label: 'users.title', icon: 'users', needs: ['users:view'] },
  { route: 'roles', label: 'roles.title', icon: 'key', needs: ['roles:view'] },
  { route: 'tenants', label: 'tenants.title', icon: 'company', needs: ['tenants:view'] },
]

const PAGES: readonly Page[] = [
  { route: 'balance', label: 'nav.balance', icon: 'balance' },
  { route: 'telegram', label: 'nav.telegram', icon: 'telegram' },
  { route: 'admin', label: 'nav.admin', icon: 'users', needs: ADMIN_PAGES.flatMap(({ needs }) => needs ?? []) },
]

/** Those of `pages` that the user may open, the whole navigation if none are given. */
export function usePages(pages: readonly Page[] = PAGES) {
  const { can } = useAccess()
  return computed(() => pages.filter(({ needs }) => !needs || needs.some(can)))
}

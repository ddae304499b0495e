// The pages of the navigation, in order.
import type { IconName } from '@/ui/icons'

export const PAGES: readonly { route: string; label: string; icon: IconName }[] = [
  { route: 'balance', label: 'nav.balance', icon: 'balance' },
  { route: 'telegram', label: 'nav.telegram', icon: 'telegram' },
]

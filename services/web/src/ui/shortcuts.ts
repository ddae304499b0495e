// Single-key shortcuts for the whole page. They rest while somebody types or a dialog is open.
import { onBeforeUnmount, onMounted } from 'vue'

export type Shortcuts = Record<string, () => void>

/** Keys by what they print or, for layouts that print letters there, by their place. */
const PLACES: Record<string, string> = { BracketLeft: '[', BracketRight: ']', Slash: '/' }

export function useShortcuts(shortcuts: Shortcuts): void {
  const listener = (event: KeyboardEvent) => {
    if (event.defaultPrevented || typing(event.target) || document.querySelector('[aria-modal="true"]')) return
    const printed = shortcuts[event.key]
    const placed = event.ctrlKey || event.altKey || event.metaKey ? undefined : shortcuts[PLACES[event.code] ?? '']
    const action = printed ?? placed
    if (!action) return
    event.preventDefault()
    action()
  }
  onMounted(() => window.addEventListener('keydown', listener))
  onBeforeUnmount(() => window.removeEventListener('keydown', listener))
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
}

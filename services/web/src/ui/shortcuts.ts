// Shortcuts for the whole page. Single keys rest while somebody types; all rest while a dialog is open.
import { onBeforeUnmount, onMounted } from 'vue'

/** By the key, or "Ctrl+k" for a key with Ctrl, or ⌘ on a Mac. */
export type Shortcuts = Record<string, () => void>

const MAC = navigator.platform.startsWith('Mac')
/** What the key beside a letter of a shortcut is called. */
export const COMMAND_KEY = MAC ? '⌘' : 'Ctrl'

/** Keys by what they print or, for layouts that print letters there, by their place. */
const PLACES: Record<string, string> = { BracketLeft: '[', BracketRight: ']', Slash: '/' }

export function useShortcuts(shortcuts: Shortcuts): void {
  const listener = (event: KeyboardEvent) => {
    if (event.defaultPrevented || document.querySelector('[aria-modal="true"]')) return
    const together = (MAC ? event.metaKey : event.ctrlKey) && !event.altKey && !event.shiftKey
    const command = together ? shortcuts[`Ctrl+${event.key.toLowerCase()}`] : undefined
    const action = command ?? (typing(event.target) ? undefined : single(event))
    if (!action) return
    event.preventDefault()
    action()
  }
  const single = (event: KeyboardEvent) => {
    const placed = event.ctrlKey || event.altKey || event.metaKey ? undefined : shortcuts[PLACES[event.code] ?? '']
    return shortcuts[event.key] ?? placed
  }
  onMounted(() => window.addEventListener('keydown', listener))
  onBeforeUnmount(() => window.removeEventListener('keydown', listener))
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
}

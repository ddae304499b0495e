// Applies the theme and language preference to the document element, and says which theme is shown.
import { useMediaQuery } from '@/ui/media'
import { usePrinting } from '@/ui/printing'
import { computed, readonly, ref, watchEffect, type Ref } from 'vue'
import { usePreferences } from './preferences'

const shown = ref<'light' | 'dark'>('light')

/** The theme in force: for what is painted, not styled. */
export function useThemeName(): Readonly<Ref<'light' | 'dark'>> {
  return readonly(shown)
}

export function applyPreferencesToDocument(): void {
  const preferences = usePreferences()
  const systemDark = useMediaQuery('(prefers-color-scheme: dark)')
  const printing = usePrinting()
  const chosen = computed(() =>
    preferences.theme === 'system' ? (systemDark.value ? 'dark' : 'light') : preferences.theme,
  )
  /** Paper is white. */
  const theme = computed(() => (printing.value ? 'light' : chosen.value))
  watchEffect(() => {
    document.documentElement.dataset.theme = theme.value
    shown.value = theme.value
  })
  watchEffect(() => {
    document.documentElement.lang = preferences.locale
  })
}

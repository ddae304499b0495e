// Applies the theme and language preference to the document element.
import { useMediaQuery } from '@/ui/media'
import { computed, watchEffect } from 'vue'
import { usePreferences } from './preferences'

export function applyPreferencesToDocument(): void {
  const preferences = usePreferences()
  const systemDark = useMediaQuery('(prefers-color-scheme: dark)')
  const theme = computed(() =>
    preferences.theme === 'system' ? (systemDark.value ? 'dark' : 'light') : preferences.theme,
  )
  watchEffect(() => {
    document.documentElement.dataset.theme = theme.value
  })
  watchEffect(() => {
    document.documentElement.lang = preferences.locale
  })
}

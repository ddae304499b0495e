// The translator, following the language preference, and the sentence for an error.
import { createI18n, useI18n } from 'vue-i18n'
import { watch } from 'vue'
import { ApiError } from '@/api/http'
import { usePreferences } from '@/stores/preferences'
import { en } from './en'
import { pluralIndex } from './plural'
import { ro, type Messages } from './ro'

/** Each in its own language. */
export const LOCALE_NAMES = { ro: 'Română', en: 'English' } as const

/** Created after pinia is active, because the language is a preference. */
export function createTranslator() {
  const preferences = usePreferences()
  const i18n = createI18n<[Messages], 'ro' | 'en', false>({
    legacy: false,
    locale: preferences.locale,
    fallbackLocale: 'ro',
    messages: { ro, en },
    pluralRules: { ro: (count) => pluralIndex('ro', count), en: (count) => pluralIndex('en', count) },
  })
  watch(
    () => preferences.locale,
    (locale) => (i18n.global.locale.value = locale),
  )
  return i18n
}

/** Turns any failure into one sentence in the language of the page. */
export function useErrorText(): (error: unknown) => string {
  const { t, te, locale } = useI18n()
  return (error) => {
    if (!(error instanceof ApiError)) return t('errors.unknown')
    if (te(`errors.${error.code}`, locale.value)) return t(`errors.${error.code}`)
    if (error.status === 502 || error.status === 503 || error.status === 504) return t('errors.unavailable')
    return error.message || t('errors.unknown')
  }
}

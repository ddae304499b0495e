// What the app remembers between visits in this browser: language, theme, where each name signs in, and per
// company the last month.
// Nothing here is secret.
import { defineStore } from 'pinia'
import { reactive, toRefs, watch } from 'vue'
import type { CompanyKey } from '@/api/reports'
import { readStored, writeStored } from './storage'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
export const LOCALES = ['ro', 'en'] as const
export type Locale = (typeof LOCALES)[number]

interface Preferences {
  theme: Theme
  locale: Locale
  railCollapsed: boolean
  username: string
  /** Name in lower case → ERP server, or nothing for an account of the application. */
  servers: Record<string, string>
  lastCompany: CompanyKey | null
  /** "server/company" → "2026-10". */
  periods: Record<string, string>
}

const NAME = 'preferences'

export const usePreferences = defineStore(NAME, () => {
  const state = reactive(sanitise(readStored(NAME)))
  watch(state, () => writeStored(NAME, state), { deep: true })

  function rememberSelection(key: CompanyKey, period: string): void {
    state.lastCompany = { ...key }
    state.periods[periodSlot(key)] = period
  }

  function rememberedPeriod(key: CompanyKey): string | undefined {
    return state.periods[periodSlot(key)]
  }

  function rememberServer(username: string, server: string): void {
    state.servers[nameKey(username)] = server
  }

  function rememberedServer(username: string): string | undefined {
    return state.servers[nameKey(username)]
  }

  return { ...toRefs(state), rememberSelection, rememberedPeriod, rememberServer, rememberedServer }
})

function periodSlot(key: CompanyKey): string {
  return `${key.server}/${key.company}`
}

function nameKey(username: string): string {
  return username.trim().toLowerCase()
}

/** Accepts whatever an older version or another hand left in storage. */
function sanitise(stored: unknown): Preferences {
  const value = (typeof stored === 'object' && stored !== null ? stored : {}) as Partial<Preferences>
  const last = value.lastCompany
  return {
    theme: THEMES.includes(value.theme as Theme) ? (value.theme as Theme) : 'system',
    locale: LOCALES.includes(value.locale as Locale) ? (value.locale as Locale) : browserLocale(),
    railCollapsed: value.railCollapsed === true,
    username: typeof value.username === 'string' ? value.username : '',
    servers: strings(value.servers),
    lastCompany: last && typeof last.server === 'string' && typeof last.company === 'string' ? last : null,
    periods: typeof value.periods === 'object' && value.periods !== null ? value.periods : {},
  }
}

function strings(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return Object.fromEntries(entries.filter(([, text]) => typeof text === 'string'))
}

/** English for browsers that ask for it first; Romanian otherwise. */
function browserLocale(): Locale {
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'ro'
}

// Views of reports that somebody gave a name: filters, order, columns, parameters and search, without company
// and time. A view is a part of an address, so the address of a page stays the truth. Kept in this browser, apart for
// each user.
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import { SELECTION_NAMES } from '@/router/selectionQuery'
import { queryTexts, type RawQuery } from '@/router/query'
import { useSession } from './session'
import { readStored, writeStored } from './storage'

export interface View {
  name: string
  query: Record<string, string[]>
}

export interface PageViews {
  views: View[]
  /** Name of the view that a bare address opens. */
  usual: string | null
}

const NONE: PageViews = { views: [], usual: null }
/** What the menu can show, and more than anybody names. */
export const MOST_VIEWS = 50
export const LONGEST_NAME = 60

/** What of an address a view keeps. */
export function viewPart(query: RawQuery): View['query'] {
  const own = Object.entries(query).filter(([name]) => !SELECTION_NAMES.includes(name))
  return Object.fromEntries(own.map(([name, value]) => [name, queryTexts(value)] as const).filter(([, texts]) => texts.length > 0))
}

/** Two addresses show the same when this is the same. */
export function viewKey(query: View['query']): string {
  return JSON.stringify(Object.entries(query).sort(([left], [right]) => (left < right ? -1 : 1)))
}

export const useViews = defineStore('views', () => {
  const session = useSession()
  const pages = ref<Record<string, PageViews>>({})
  const place = computed(() => (session.user ? `views:${session.user.id}` : null))
  watch(place, (name) => (pages.value = name ? sanitise(readStored(name)) : {}), { immediate: true, flush: 'sync' })

  /** The views of a page, which is called like its report. */
  const of = (page: string): PageViews => pages.value[page] ?? NONE

  /** A view that says nothing is what a bare address shows anyway. */
  function defaultOf(page: string | undefined): View | undefined {
    const { views, usual } = of(page ?? '')
    return views.find(({ name, query }) => name === usual && Object.keys(query).length > 0)
  }

  /** Under a name that is taken, in the place of that view. */
  function save(page: string, view: View): void {
    const { views, usual } = of(page)
    const taken = views.findIndex(({ name }) => name === view.name)
    put(page, { views: taken < 0 ? [...views, view].slice(-MOST_VIEWS) : views.with(taken, view), usual })
  }

  function rename(page: string, from: string, to: string): void {
    const { views, usual } = of(page)
    const others = views.filter(({ name }) => name !== to || name === from)
    put(page, { views: others.map((view) => (view.name === from ? { ...view, name: to } : view)), usual: usual === from ? to : usual })
  }

  function remove(page: string, removed: string): void {
    const { views, usual } = of(page)
    put(page, { views: views.filter(({ name }) => name !== removed), usual: usual === removed ? null : usual })
  }

  function setDefault(page: string, usual: string | null): void {
    put(page, { ...of(page), usual })
  }

  function put(page: string, next: PageViews): void {
    pages.value = { ...pages.value, [page]: next }
    if (place.value) writeStored(place.value, pages.value)
  }

  return { pages, of, defaultOf, save, rename, remove, setDefault, put }
})

/** Accepts whatever an older version or another hand left in storage. */
function sanitise(stored: unknown): Record<string, PageViews> {
  if (!isObject(stored)) return {}
  return Object.fromEntries(
    Object.entries(stored).map(([page, kept]) => {
      const list = isObject(kept) && Array.isArray(kept.views) ? (kept.views as unknown[]) : []
      const views = list.flatMap((view) =>
        isObject(view) && typeof view.name === 'string' && isObject(view.query) ? [{ name: view.name, query: viewPart(view.query) }] : [],
      )
      const usual = isObject(kept) && views.some(({ name }) => name === kept.usual) ? (kept.usual as string) : null
      return [page, { views, usual }]
    }),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

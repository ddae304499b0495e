// What components take from the application around them, for unit tests: texts in Romanian, queries, stores.
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import type { App, Plugin } from 'vue'
import { createTranslator } from '@/i18n'
import { usePreferences } from '@/stores/preferences'
import { installUi } from '@/ui/theme'

export function plugins(queryClient = new QueryClient()): Plugin[] {
  const install = (app: App) => {
    const pinia = createPinia()
    app.use(pinia)
    usePreferences(pinia).locale = 'ro'
    app.use(createTranslator()).use(VueQueryPlugin, { queryClient })
    installUi(app)
  }
  return [{ install }]
}

// Entry: wires stores, language, router, queries and the component library, then mounts.
import './styles/tokens.css'
import './styles/base.css'
import './styles/print.css'
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp, watch } from 'vue'
import { ApiError, onSessionEnded } from './api/http'
import App from './App.vue'
import { createTranslator } from './i18n'
import { createAppRouter } from './router'
import { reloadOnStaleAssets } from './router/staleAssets'
import { useSession } from './stores/session'
import { applyPreferencesToDocument } from './stores/theme'
import { installUi } from './ui/theme'

const RETRIES = 2
const FRESH_MS = 60_000

/** Only what may pass by itself is worth a second try. */
function mayPass(error: unknown): boolean {
  return error instanceof ApiError && [0, 502, 503, 504].includes(error.status)
}

reloadOnStaleAssets()
const app = createApp(App)
app.use(createPinia())
applyPreferencesToDocument()
app.use(createTranslator())

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < RETRIES && mayPass(error),
      retryDelay: (failures) => 300 * 2 ** failures,
    },
  },
})
app.use(VueQueryPlugin, { queryClient })

const router = createAppRouter()
const session = useSession()
onSessionEnded(() => session.expire())
watch(
  () => session.user?.id,
  (id, before) => {
    // What one person read must not be shown to the next.
    if (before !== undefined) queryClient.clear()
    if (id !== undefined) return
    const { meta, fullPath } = router.currentRoute.value
    if (meta.public) return
    const query = session.notice === 'expired' ? { next: fullPath } : {}
    void router.replace({ name: 'signIn', query })
  },
)

app.use(router)
installUi(app)
app.mount('#app')

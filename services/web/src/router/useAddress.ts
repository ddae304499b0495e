// The query of the present address, and how a part of a page changes its own names in it.
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { withQuery, type QueryChange } from './query'

export function useAddress() {
  const route = useRoute()
  const router = useRouter()
  const query = computed(() => route.query)

  function say(change: QueryChange, how: 'push' | 'replace' = 'replace') {
    return router[how]({ query: withQuery(route.query, change) })
  }

  return { query, say }
}

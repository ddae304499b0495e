// Text that filters at once while the address follows when the typing pauses.
import { ref, watch, type Ref } from 'vue'

const TYPING_PAUSE_MS = 250

export function useSearchText(said: Readonly<Ref<string>>, say: (text: string) => void): Ref<string> {
  const search = ref(said.value)
  watch(search, (text, _previous, onCleanup) => {
    const timer = setTimeout(() => {
      if (text !== said.value) say(text)
    }, TYPING_PAUSE_MS)
    onCleanup(() => clearTimeout(timer))
  })
  watch(said, (text) => (search.value = text))
  return search
}

// Whether the palette, or the list of keys, is open: asked for from anywhere on the page.
import { ref } from 'vue'

const paletteOpen = ref(false)
const keysOpen = ref(false)

export function usePalette() {
  return { paletteOpen, keysOpen }
}

// Whether the page is being printed. Browsers say so just before they lay out the paper; what is drawn for
// paper alone exists only then.
import { nextTick, readonly, ref, type Ref } from 'vue'

const printing = ref(false)

window.addEventListener('beforeprint', () => (printing.value = true))
window.addEventListener('afterprint', () => (printing.value = false))
window.matchMedia('print').addEventListener('change', ({ matches }) => (printing.value = matches))

export function usePrinting(): Readonly<Ref<boolean>> {
  return readonly(printing)
}

/** Prints once everything for the paper is drawn. */
export async function printPage(): Promise<void> {
  printing.value = true
  await nextTick()
  try {
    window.print()
  } finally {
    printing.value = false
  }
}

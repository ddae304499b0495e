// Whether the page is being printed. Browsers say so just before they lay out the paper; what is drawn for
// paper alone exists only then.
import { nextTick, onBeforeUnmount, onMounted, readonly, ref, shallowRef, type Ref } from 'vue'

const printing = ref(false)

window.addEventListener('beforeprint', () => (printing.value = true))
window.addEventListener('afterprint', () => (printing.value = false))
window.matchMedia('print').addEventListener('change', ({ matches }) => (printing.value = matches))

export function usePrinting(): Readonly<Ref<boolean>> {
  return readonly(printing)
}

/** How the present page is printed, once it can be. */
const pagePrint = shallowRef<(() => Promise<void>) | null>(null)

/** Tells how the page is printed, for as long as the component is there. */
export function offerPagePrint(print: () => Promise<void>): void {
  onMounted(() => (pagePrint.value = print))
  onBeforeUnmount(() => {
    if (pagePrint.value === print) pagePrint.value = null
  })
}

export function usePagePrint(): Readonly<Ref<(() => Promise<void>) | null>> {
  return pagePrint
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

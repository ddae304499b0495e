// An export that is running: how many bytes have come, how to stop it, and what went wrong.
import { onScopeDispose, ref, shallowRef } from 'vue'
import { fetchExport, type ExportFormat, type ExportRequest } from '@/api/catalogue'
import { isAbort, type Download } from '@/api/http'

export interface RunningExport {
  format: ExportFormat
  bytes: number
}

/** `save` is handed the whole file. Leaving the page stops the export. */
export function useExport(save: (file: Download) => void) {
  const running = ref<RunningExport | null>(null)
  const failure = shallowRef<unknown>(null)
  let stop: AbortController | null = null

  async function start(report: string, wanted: ExportRequest, format: ExportFormat, lang: string): Promise<void> {
    cancel()
    const own = (stop = new AbortController())
    failure.value = null
    running.value = { format, bytes: 0 }
    const onBytes = (bytes: number) => {
      if (stop === own && running.value) running.value.bytes = bytes
    }
    try {
      const file = await fetchExport(report, wanted, { format, lang }, onBytes, own.signal)
      if (stop === own) save(file)
    } catch (error) {
      if (stop === own && !isAbort(error)) failure.value = error
    } finally {
      if (stop === own) end()
    }
  }

  function cancel(): void {
    stop?.abort()
    end()
  }

  function end(): void {
    stop = null
    running.value = null
  }

  onScopeDispose(cancel)
  return { running, failure, start, cancel, dismiss: () => (failure.value = null) }
}

/** Hands a file to the browser, which asks or puts it where downloads go. */
export function saveFile({ name, content }: Download): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // The browser has taken hold of the content by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

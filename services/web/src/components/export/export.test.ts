import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import type { ExportRequest } from '@/api/catalogue'
import { ApiError, download, fileName, type Download } from '@/api/http'
import { useExport } from './useExport'

const wanted: ExportRequest = {
  server: 'main',
  company: '7',
  period: { year: 2026, month: 10 },
  parameters: { account: '4111' },
  sort: '-sold',
  search: 'pop',
  filters: ['sold:gt:0', 'cont:contains:4'],
}
const NAME = `attachment; filename="balanta.csv"; filename*=UTF-8''balan%C8%9Ba.csv`

/** A file that comes in pieces; the last may be a failure. */
function file(...pieces: (string | Error)[]): Response {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else if (piece instanceof Error) controller.error(piece)
      else controller.enqueue(new TextEncoder().encode(piece))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/csv', 'content-disposition': NAME, 'x-request-id': 'r1' } })
}

let asked: URL[]
function answer(next: (signal: AbortSignal | undefined) => Promise<Response>): void {
  asked = []
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    asked.push(url)
    return next(init.signal ?? undefined)
  })
}

/** A request that never ends by itself. */
const pending = (signal: AbortSignal | undefined) =>
  new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))))

beforeEach(() => localStorage.clear())
afterEach(() => vi.unstubAllGlobals())

describe('a download', () => {
  it('tells how much has come and gives the whole file with its name', async () => {
    answer(() => Promise.resolve(file('a,b\r\n', 'ș,2\r\n')))
    const bytes: number[] = []
    const { name, content } = await download('api/x', {}, (so) => bytes.push(so))
    expect([name, content.type, await content.text()]).toEqual(['balanța.csv', 'text/csv', 'a,b\r\nș,2\r\n'])
    expect(bytes).toEqual([5, 11])
  })

  it('that breaks off is an error and no file', async () => {
    answer(() => Promise.resolve(file('a,b\r\n', new TypeError('network'))))
    await expect(download('api/x', {}, () => {})).rejects.toMatchObject({ code: 'Interrupted', requestId: 'r1' })
  })

  it('that is refused says why', async () => {
    answer(() => Promise.resolve(new Response(JSON.stringify({ code: 'ExportTooLarge' }), { status: 400 })))
    await expect(download('api/x', {}, () => {})).rejects.toMatchObject({ code: 'ExportTooLarge', status: 400 })
  })

  it('is named by the server', () => {
    expect(fileName(NAME)).toBe('balanța.csv')
    expect(fileName('attachment; filename="a b.csv"')).toBe('a b.csv')
    expect(fileName('')).toBe('export')
  })
})

describe('an export', () => {
  const saved: Download[] = []
  beforeEach(() => void saved.splice(0))
  const open = () => {
    const scope = effectScope()
    return { scope, ...scope.run(() => useExport((file) => saved.push(file)))! }
  }

  it('asks for what is shown, in the language of the page, and saves it', async () => {
    answer(() => Promise.resolve(file('x')))
    const { start, running, failure } = open()
    const done = start('journal', wanted, 'csv', 'en')
    expect(running.value).toEqual({ format: 'csv', bytes: 0 })
    await done
    expect([running.value, failure.value, saved.map(({ name }) => name)]).toEqual([null, null, ['balanța.csv']])
    expect(asked[0]!.pathname).toBe('/api/reports/journal')
    expect([...asked[0]!.searchParams]).toEqual([
      ['account', '4111'], ['server', 'main'], ['company', '7'], ['year', '2026'], ['month', '10'], ['sort', '-sold'],
      ['q', 'pop'], ['filter', 'sold:gt:0'], ['filter', 'cont:contains:4'], ['format', 'csv'], ['lang', 'en'],
    ])
  })

  it('keeps what went wrong until it is dismissed or tried again', async () => {
    answer(() => Promise.reject(new TypeError('no network')))
    const { start, running, failure, dismiss } = open()
    await start('journal', wanted, 'pdf', 'ro')
    expect(failure.value).toBeInstanceOf(ApiError)
    expect([running.value, saved]).toEqual([null, []])
    dismiss()
    expect(failure.value).toBeNull()
  })

  it('that is stopped, replaced or left saves nothing and is no failure', async () => {
    answer(pending)
    const { scope, start, cancel, running, failure } = open()
    const first = start('journal', wanted, 'csv', 'ro')
    const second = start('journal', wanted, 'xlsx', 'ro')
    expect(running.value?.format).toBe('xlsx')
    await first
    expect(running.value?.format).toBe('xlsx')
    cancel()
    await second
    const third = start('journal', wanted, 'pdf', 'ro')
    scope.stop()
    await third
    expect([running.value, failure.value, saved]).toEqual([null, null, []])
  })
})

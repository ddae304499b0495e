// The one place that talks to the network. Addresses are relative to the document's base, the session
// travels in HttpOnly cookies, what changes something shows by a header that a page of ours sent it, and
// every failure becomes an `ApiError`. A request that is refused because its access token has expired is
// repeated once with the next one.
import { CSRF_COOKIE, readCookie, renew } from './renewal'

export interface ApiErrorParts {
  status: number
  code: string
  message?: string
  field?: string | undefined
  requestId?: string | undefined
  retryAfterSeconds?: number | undefined
}

/** A refused or failed request. `status` is 0 when no answer came. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | undefined
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(parts: ApiErrorParts) {
    super(parts.message ?? '')
    this.name = 'ApiError'
    this.status = parts.status
    this.code = parts.code
    this.field = parts.field
    this.requestId = parts.requestId
    this.retryAfterSeconds = parts.retryAfterSeconds
  }
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A list says its name once for each of its values. */
  query?: Record<string, string | number | readonly string[] | undefined>
  body?: unknown
  signal?: AbortSignal
  /** Asked to find out whether there is a session: a refusal is an answer, not its end. */
  keepSession?: boolean
  /** Asked by a name and a secret: a refusal has nothing to do with a session. */
  anonymous?: boolean
}

/** Where figures were found, and when they were read by the clock of this machine; said in headers. */
export interface Found {
  source: 'database' | 'memory' | 'redis'
  readAt: number
}

/** An answer with figures. */
export interface Figures {
  generatedAt: string
  found?: Found
}

let askingAnew = 0

/** Figures that are asked for while `work` runs are read from the database, not from a cache. */
export async function askAnew(work: () => Promise<unknown>): Promise<void> {
  askingAnew += 1
  try {
    await work()
  } finally {
    askingAnew -= 1
  }
}

let sessionEnded: () => void = () => {}

/** Registers what happens when the API no longer accepts the session. */
export function onSessionEnded(handler: () => void): void {
  sessionEnded = handler
}

/** Sends one request and returns its JSON, or undefined when the answer has no body. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await answer(path, options)
  if (response.status === 204) return undefined as T
  try {
    const answer = (await response.json()) as T
    noteFound(answer, response.headers)
    return answer
  } catch (cause) {
    if (isAbort(cause)) throw cause
    throw badResponse(response)
  }
}

export interface Download {
  /** What the server calls the file. */
  name: string
  content: Blob
}

/** Fetches a file and tells how many bytes have come so far. A file that breaks off is no file. */
export async function download(path: string, options: RequestOptions, onBytes: (bytes: number) => void): Promise<Download> {
  const response = await answer(path, options)
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  try {
    const reader = response.body!.getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value)
      onBytes((bytes += part.value.length))
    }
  } catch (cause) {
    if (isAbort(cause)) throw cause
    throw new ApiError({ status: 0, code: 'Interrupted', requestId: response.headers.get('x-request-id') ?? undefined })
  }
  const type = response.headers.get('content-type') ?? ''
  return { name: fileName(response.headers.get('content-disposition') ?? ''), content: new Blob(chunks, { type }) }
}

/** The name in a Content-Disposition header (RFC 6266): the one with all its letters, else the plain one. */
export function fileName(disposition: string): string {
  const full = /filename\*=UTF-8''([^;\s]+)/i.exec(disposition)?.[1]
  const plain = /filename="([^"]+)"/i.exec(disposition)?.[1]
  return full ? decodeURIComponent(full) : (plain ?? 'export')
}

function noteFound(answer: unknown, headers: Headers): void {
  const source = headers.get('x-cache') as Found['source'] | null
  if (source === null || typeof answer !== 'object' || answer === null) return
  const age = Number.parseInt(headers.get('age') ?? '', 10) || 0
  Object.assign(answer, { found: { source, readAt: Date.now() - age * 1000 } satisfies Found })
}

/** The error for an answer that does not follow the contract. */
export function badResponse(response?: Response): ApiError {
  return new ApiError({
    status: response?.status ?? 200,
    code: 'BadResponse',
    requestId: response?.headers.get('x-request-id') ?? undefined,
  })
}

/** An answer that is no refusal. */
async function answer(path: string, options: RequestOptions): Promise<Response> {
  const response = await sendInSession(path, options)
  if (response.ok) return response
  const error = await readError(response)
  if (error.status === 401 && !options.keepSession && !options.anonymous) sessionEnded()
  throw error
}

async function sendInSession(path: string, options: RequestOptions): Promise<Response> {
  const sentAt = Date.now()
  const response = await send(path, options)
  if (response.status !== 401 || options.anonymous) return response
  return (await renew(sentAt, exchange)) ? send(path, options) : response
}

/** Answers whether there was a session to renew; throws when that cannot be known. */
async function exchange(): Promise<boolean> {
  const response = await send('api/auth/refresh', { method: 'POST' })
  if (response.ok) return true
  const error = await readError(response)
  if (error.status === 401 || error.status === 403) return false
  throw error
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const url = new URL(path, document.baseURI)
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  }
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json' }
  const csrf = readCookie(CSRF_COOKIE)
  if (csrf && (options.method ?? 'GET') !== 'GET') headers['x-csrf-token'] = csrf
  if (options.body !== undefined) headers['content-type'] = 'application/json'
  try {
    return await fetch(url, {
      method: options.method ?? 'GET',
      headers,
      credentials: 'same-origin',
      // The browser asks whether what it has is still right; `reload` asks the database.
      cache: askingAnew > 0 ? 'reload' : 'no-cache',
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    })
  } catch (cause) {
    if (isAbort(cause)) throw cause
    throw new ApiError({ status: 0, code: 'Unreachable' })
  }
}

async function readError(response: Response): Promise<ApiError> {
  const retryAfter = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  const body = await response.json().catch(() => null)
  const problem = body as { code?: string; detail?: string; field?: string } | null
  return new ApiError({
    status: response.status,
    code: problem?.code ?? `Http${response.status}`,
    message: problem?.detail ?? '',
    field: problem?.field,
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfterSeconds: Number.isNaN(retryAfter) ? undefined : retryAfter,
  })
}

export function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'AbortError'
}

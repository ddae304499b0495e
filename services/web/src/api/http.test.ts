import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ApiError, askAnew, onSessionEnded, request, type Figures } from './http'

/** The API as this test plays it: answers by path, in order. */
type Answers = Record<string, Response[]>
let calls: { path: string; method: string; csrf: string | null; cache: string | undefined }[]
const ended = vi.fn()

function answer(answers: Answers): void {
  calls = []
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    const path = url.pathname.slice(1)
    const csrf = new Headers(init.headers).get('x-csrf-token')
    calls.push({ path, method: init.method ?? 'GET', csrf, cache: init.cache })
    const next = answers[path]?.shift()
    return next ? Promise.resolve(next) : Promise.reject(new TypeError('no answer'))
  })
}

const ok = (body: unknown = {}) => Response.json(body)
const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ status, code, detail: 'say so' }), { status, headers: { 'x-request-id': 'r1' } })
const expired = () => problem(401, 'NotSignedIn')
const paths = () => calls.map(({ path }) => path)

beforeEach(() => {
  document.cookie = 'csrf_token=c1'
  localStorage.clear()
  ended.mockReset()
  onSessionEnded(ended)
})
afterEach(() => vi.unstubAllGlobals())

it('repeats a refused request once, after one renewal for all that were refused', async () => {
  answer({ 'api/a': [expired(), ok({ a: 1 })], 'api/b': [expired(), ok({ b: 2 })], 'api/auth/refresh': [ok()] })
  const both = await Promise.all([request('api/a'), request('api/b')])
  expect(both).toEqual([{ a: 1 }, { b: 2 }])
  expect(paths().filter((path) => path === 'api/auth/refresh')).toHaveLength(1)
  expect(calls.find(({ path }) => path === 'api/auth/refresh')).toMatchObject({ method: 'POST', csrf: 'c1' })
  expect(ended).not.toHaveBeenCalled()
})

it('says that the session ended when there is nothing to renew', async () => {
  answer({ 'api/a': [expired()], 'api/auth/refresh': [expired()] })
  await expect(request('api/a')).rejects.toMatchObject({ code: 'NotSignedIn', requestId: 'r1' })
  expect(ended).toHaveBeenCalledOnce()
  document.cookie = 'csrf_token=; max-age=0'
  answer({ 'api/a': [expired()] })
  await expect(request('api/a')).rejects.toBeInstanceOf(ApiError)
  expect(paths()).toEqual(['api/a'])
})

it('asks again without a renewal of its own when another window has just renewed', async () => {
  answer({ 'api/a': [expired(), ok({ a: 1 })] })
  const before = Date.now() + 60_000
  localStorage.setItem(`reportapp:${new URL(document.baseURI).pathname}:renewedAt`, String(before))
  expect(await request('api/a')).toEqual({ a: 1 })
  expect(paths()).toEqual(['api/a', 'api/a'])
})

it('keeps the session when it cannot be known whether it can be renewed', async () => {
  answer({ 'api/a': [expired()], 'api/auth/refresh': [problem(503, 'StoreUnavailable')] })
  await expect(request('api/a')).rejects.toMatchObject({ code: 'StoreUnavailable' })
  expect(ended).not.toHaveBeenCalled()
})

it('takes a refused sign-in for an answer', async () => {
  answer({ 'api/auth/login': [problem(401, 'InvalidCredentials')] })
  const options = { method: 'POST', body: {}, anonymous: true } as const
  await expect(request('api/auth/login', options)).rejects.toMatchObject({ code: 'InvalidCredentials', message: 'say so' })
  expect(paths()).toEqual(['api/auth/login'])
  expect(ended).not.toHaveBeenCalled()
})

it('shows that a page sent what changes something, and only that', async () => {
  answer({ 'api/a': [ok(), ok()] })
  await request('api/a')
  await request('api/a', { method: 'DELETE' })
  expect(calls.map(({ csrf }) => csrf)).toEqual([null, 'c1'])
})

it('notes where figures were found and how old they are by the clock of this machine', async () => {
  const figures = (headers: Record<string, string>) => Response.json({ generatedAt: '2026-11-01T08:00:00Z' }, { headers })
  answer({ 'api/a': [figures({ 'x-cache': 'memory', age: '120' }), figures({})] })
  const { found } = await request<Figures>('api/a')
  expect(found?.source).toBe('memory')
  expect(Date.now() - (found?.readAt ?? 0)).toBeGreaterThanOrEqual(120_000)
  expect(await request<Figures>('api/a')).not.toHaveProperty('found')
})

it('asks the database anew only while somebody wants that', async () => {
  answer({ 'api/a': [ok(), ok(), ok(), ok()] })
  await request('api/a')
  await askAnew(() => request('api/a'))
  await expect(askAnew(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await request('api/a')
  expect(calls.map(({ cache }) => cache)).toEqual(['no-cache', 'reload', 'no-cache'])
})

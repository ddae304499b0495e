// Goes on with a session whose access token has expired. The refresh token is good once, so only one window
// of a browser may exchange it at a time: within this one all share the same attempt, across windows a lock
// and the moment of the last renewal see to it.
import { readStored, writeStored } from '@/stores/storage'

const LOCK = 'reportapp:renewal'
const RENEWED_AT = 'renewedAt'
export const CSRF_COOKIE = 'csrf_token'

let running: Promise<boolean> | null = null

/** The value of a cookie that pages may read. */
export function readCookie(name: string): string | undefined {
  const pair = document.cookie.split('; ').find((entry) => entry.startsWith(`${name}=`))
  return pair?.slice(name.length + 1) || undefined
}

/**
 * Renews the session by `exchange`, which answers whether there was one to renew, unless another window did
 * since `refusedFrom`, when the refused request was sent. True: asking again is worth it.
 */
export function renew(refusedFrom: number, exchange: () => Promise<boolean>): Promise<boolean> {
  running ??= alone(() => renewOnce(refusedFrom, exchange)).finally(() => (running = null))
  return running
}

async function renewOnce(refusedFrom: number, exchange: () => Promise<boolean>): Promise<boolean> {
  const renewedAt = readStored(RENEWED_AT)
  if (typeof renewedAt === 'number' && renewedAt > refusedFrom) return true
  // The cookie lives as long as the session: without it nobody is signed in here.
  if (readCookie(CSRF_COOKIE) === undefined) return false
  const renewed = await exchange()
  if (renewed) writeStored(RENEWED_AT, Date.now())
  return renewed
}

/** Browsers have locks on secure pages only; elsewhere two windows may both ask, which the API forgives. */
function alone(work: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work()
}

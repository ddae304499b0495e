// Sign-in, sign-out and the signed-in user's own password.
import { request } from './http'
import type { User } from './types'

export async function signIn(username: string, password: string): Promise<User> {
  const answer = await request<{ user: User }>('api/auth/login', {
    method: 'POST',
    body: { username, password },
    anonymous: true,
  })
  return answer.user
}

/** The user of the current cookies; fails with status 401 when there is no session. */
export function fetchMe(): Promise<User> {
  return request<User>('api/auth/me', { keepSession: true })
}

export interface SignOutOptions {
  /** All sessions of the user, not only this one. */
  everywhere?: boolean
}

export function signOut({ everywhere = false }: SignOutOptions = {}): Promise<void> {
  const query = everywhere ? { everywhere: 'true' } : {}
  return request<void>('api/auth/logout', { method: 'POST', query, keepSession: true })
}

/** Ends every session of the user; the answer replaces the cookie of this one. */
export function changePassword(current: string, next: string): Promise<void> {
  return request<void>('api/auth/password', { method: 'POST', body: { current, new: next } })
}

/** Chooses a new password with a one-time code; all sessions of the user end. */
export function resetPassword(username: string, code: string, next: string): Promise<void> {
  const body = { username, code, new: next }
  return request<void>('api/auth/password/reset', { method: 'POST', body, anonymous: true })
}

// Sign-in, sign-out and the signed-in user's own password.
import { request } from './http'
import type { OwnServer, SignInServer, User } from './types'

/** Signs in with an account of the application, or at the ERP server that is named. */
export async function signIn(username: string, password: string, server?: string): Promise<User> {
  const answer = await request<{ user: User }>('api/auth/login', {
    method: 'POST',
    body: { username, password, ...(server ? { server } : {}) },
    anonymous: true,
  })
  return answer.user
}

/** Where somebody may sign in: the same for every name. */
export async function fetchSignInServers(username: string): Promise<SignInServer[]> {
  const answer = await request<{ servers: SignInServer[] }>('api/auth/check-identity', {
    method: 'POST',
    body: { username },
    anonymous: true,
  })
  return answer.servers
}

/** Where the user is signed in, and where else people sign in. */
export async function fetchOwnServers(signal?: AbortSignal): Promise<OwnServer[]> {
  const answer = await request<{ servers: OwnServer[] }>('api/auth/my-servers', signal && { signal })
  return answer.servers
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

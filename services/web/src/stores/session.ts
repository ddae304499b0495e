// Who is signed in. The session itself is in HttpOnly cookies that no script can read; this store only
// knows the user the API named.
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import * as auth from '@/api/auth'
import { ApiError } from '@/api/http'
import type { User } from '@/api/types'

export type SessionNotice = 'expired' | 'signedOut' | 'passwordReset' | null

export const useSession = defineStore('session', () => {
  const user = ref<User | null>(null)
  const notice = ref<SessionNotice>(null)
  const signedIn = computed(() => user.value !== null)
  let restoring: Promise<void> | null = null

  /** Asks the API once per page load. Fails when the API cannot answer at all. */
  function restore(): Promise<void> {
    restoring ??= loadUser().catch((error: unknown) => {
      restoring = null
      throw error
    })
    return restoring
  }

  async function loadUser(): Promise<void> {
    try {
      user.value = await auth.fetchMe()
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error
      user.value = null
    }
  }

  async function signIn(username: string, password: string, server?: string): Promise<void> {
    user.value = await auth.signIn(username, password, server)
    notice.value = null
    restoring = Promise.resolve()
  }

  /** A session that is gone already is signed out as well. */
  async function signOut(options: auth.SignOutOptions = {}): Promise<void> {
    try {
      await auth.signOut(options)
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error
    }
    user.value = null
    notice.value = 'signedOut'
  }

  /** The API refused the session: keep the address, ask to sign in again. */
  function expire(): void {
    if (user.value === null) return
    user.value = null
    notice.value = 'expired'
  }

  function passwordChanged(): void {
    if (user.value) user.value = { ...user.value, mustChangePassword: false }
  }

  /** A new password was chosen with a code; it ended every session, and is to be signed in with. */
  async function resetPassword(username: string, code: string, next: string): Promise<void> {
    await auth.resetPassword(username, code, next)
    notice.value = 'passwordReset'
  }

  return { user, notice, signedIn, restore, signIn, signOut, expire, passwordChanged, resetPassword }
})

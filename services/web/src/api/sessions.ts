// The signed-in user's own sessions.
import { request } from './http'
import type { OwnSession } from './types'

export async function fetchSessions(signal?: AbortSignal): Promise<OwnSession[]> {
  const answer = await request<{ sessions: OwnSession[] }>('api/auth/sessions', signal ? { signal } : {})
  return answer.sessions
}

export function endSession(id: string): Promise<void> {
  return request<void>(`api/auth/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

/** Ends all but the present one; answers how many. */
export async function endOtherSessions(): Promise<number> {
  const answer = await request<{ ended: number }>('api/auth/sessions', { method: 'DELETE' })
  return answer.ended
}

// What the API keeps of the ERP's answers, and how well it remembers who may do what: of one process, since it started.
import { request } from './http'

export interface ReportCache {
  /** Id of a report, `dashboard` or `books`. */
  report: string
  entries: number
  bytes: number
  /** Requests answered from each. */
  memory: number
  redis: number
  database: number
}

export interface CacheStats {
  process: string
  memory: { entries: number; bytes: number; capacityBytes: number; hits: number; misses: number; outdated: number; evictions: number }
  /** Null where there is none. */
  redis: { answers: boolean; hits: number; misses: number; outdated: number; errors: number; spared: number } | null
  database: { reads: number; errors: number }
  joins: number
  refreshes: number
  reports: ReportCache[]
}

export interface SecurityCache {
  process: string
  sessions: { keptIn: 'redis' | 'memory'; answers: boolean; hits: number; misses: number; errors: number; renewed: number; refused: number; reused: number }
  people: { remembered: number; capacity: number; lifeSeconds: number }
  epochs: { state: 'leased' | 'lapsed' | 'behind'; leaseLeftMs: number; revision: number; accepted: number; revoked: number; unanswered: number }
}

const signalled = (signal?: AbortSignal) => (signal ? { signal } : {})

export function fetchCacheStats(signal?: AbortSignal): Promise<CacheStats> {
  return request<CacheStats>('api/cache/stats', signalled(signal))
}

/** Null empties everything. No process gives an answer any more that was read before. */
export function clearCache(report: string | null): Promise<{ keys: number | null }> {
  return request('api/cache/clear', { method: 'POST', body: report === null ? {} : { report } })
}

export function fetchSecurityCache(signal?: AbortSignal): Promise<SecurityCache> {
  return request<SecurityCache>('api/security/cache', signalled(signal))
}

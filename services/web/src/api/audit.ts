// Who changed what.
import { request } from './http'

export interface FieldChange {
  field: string
  old: unknown
  new: unknown
  /** A secret: that it changed is known, not what it was. */
  hidden?: boolean
}

export interface AuditEntry {
  id: number
  at: string
  table: string
  operation: 'INSERT' | 'UPDATE' | 'DELETE'
  row: string | null
  user: string | null
  tenant: string | null
  service: string | null
  dbUser: string
  request: string | null
  address: string | null
  changes: FieldChange[]
}

export interface AuditPage {
  entries: AuditEntry[]
  next?: number
}

export interface AuditTotal {
  table: string
  operation: string
  count: number
  last: string
}

export function fetchAudit(table: string, before?: number, signal?: AbortSignal): Promise<AuditPage> {
  const query = { table: table || undefined, before }
  return request<AuditPage>('api/audit/logs', { query, ...(signal && { signal }) })
}

export async function fetchAuditTotals(signal?: AbortSignal): Promise<AuditTotal[]> {
  const answer = await request<{ tables: AuditTotal[] }>('api/audit/summary', signal && { signal })
  return answer.tables
}

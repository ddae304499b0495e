// Users, roles, tenants, and what one may do.
import { request } from './http'
import type { OwnSession, UserType } from './types'

export interface Named {
  id: string
  name: string
}

export interface OwnPermissions {
  userType: UserType
  tenant: string | null
  /** 0 to 100. */
  level: number
  permissions: string[]
}

export interface Account {
  id: string
  username: string
  displayName: string
  email: string | null
  userType: UserType
  tenant: Named | null
  roles: Named[]
  isActive: boolean
  mustChangePassword: boolean
  mustResetPassword: boolean
  /** The ERP server where the user signs in, which keeps the password; null for an account of the application. */
  erpServer?: string | null
  createdAt: string
}

export interface UserPage {
  users: Account[]
  next: string | null
}

/** What is absent stays as it is. */
export interface UserFields {
  displayName?: string
  email?: string | null
  userType?: UserType
  tenant?: string | null
  isActive?: boolean
  roles?: string[]
}

export interface Role {
  id: string
  tenant: Named | null
  name: string
  description: string
  level: number
  isSystem: boolean
  permissions: string[]
}

export interface Module {
  name: string
  minRoleLevel: number
}

export interface RoleList {
  roles: Role[]
  routes: Module[]
  actions: string[]
}

export interface RoleFields {
  name?: string
  description?: string
  tenant?: string | null
  level?: number
  permissions?: string[]
}

export interface Tenant {
  id: string
  name: string
  superAdmin: Named | null
  isActive: boolean
  users: number
  createdAt: string
}

export interface TenantFields {
  name?: string
  superAdmin?: string | null
  isActive?: boolean
}

const signalled = (signal?: AbortSignal) => (signal ? { signal } : {})
const user = (id: string) => `api/users/${encodeURIComponent(id)}`

export function fetchOwnPermissions(signal?: AbortSignal): Promise<OwnPermissions> {
  return request<OwnPermissions>('api/permissions', signalled(signal))
}

export interface UserQuery {
  search?: string
  userType?: UserType
  after?: string | undefined
}

export function fetchUsers(query: UserQuery, signal?: AbortSignal): Promise<UserPage> {
  return request<UserPage>('api/users', { query: { ...query, search: query.search || undefined }, ...signalled(signal) })
}

export function createUser(username: string, fields: UserFields): Promise<{ user: Account; startPassword: string }> {
  return request('api/users', { method: 'POST', body: { username, ...fields } })
}

export function changeUser(id: string, fields: UserFields): Promise<Account> {
  return request<Account>(user(id), { method: 'PATCH', body: fields })
}

export function deleteUser(id: string): Promise<void> {
  return request<void>(user(id), { method: 'DELETE' })
}

export async function fetchUserSessions(id: string, signal?: AbortSignal): Promise<OwnSession[]> {
  const answer = await request<{ sessions: OwnSession[] }>(`${user(id)}/sessions`, signalled(signal))
  return answer.sessions
}

export function endUserSessions(id: string): Promise<void> {
  return request<void>(`${user(id)}/sessions`, { method: 'DELETE' })
}

/** A code that gives a new password once; the present one is refused from now on. */
export interface ResetCode {
  code: string
  expiresAt: string
  username: string
}

export function forcePasswordReset(id: string): Promise<ResetCode> {
  return request<ResetCode>(`${user(id)}/password-reset`, { method: 'POST' })
}

export function fetchRoles(signal?: AbortSignal): Promise<RoleList> {
  return request<RoleList>('api/roles', signalled(signal))
}

export function saveRole(id: string | null, fields: RoleFields): Promise<Role> {
  return id === null
    ? request<Role>('api/roles', { method: 'POST', body: fields })
    : request<Role>(`api/roles/${encodeURIComponent(id)}`, { method: 'PATCH', body: fields })
}

export function deleteRole(id: string): Promise<void> {
  return request<void>(`api/roles/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

export async function fetchTenants(signal?: AbortSignal): Promise<Tenant[]> {
  const answer = await request<{ tenants: Tenant[] }>('api/tenants', signalled(signal))
  return answer.tenants
}

export function saveTenant(id: string | null, fields: TenantFields): Promise<Tenant> {
  return id === null
    ? request<Tenant>('api/tenants', { method: 'POST', body: fields })
    : request<Tenant>(`api/tenants/${encodeURIComponent(id)}`, { method: 'PATCH', body: fields })
}

// The address to return to after signing in, and the server it is about.

/** Accepts only a path inside this application; anything else leads to the start page. */
export function safeNext(value: unknown): string {
  if (typeof value !== 'string' || !/^\/(?![/\\])/.test(value)) return '/'
  return /^\/(login|password-reset)/.test(value) ? '/' : value
}

/** The server an address names; empty for the accounts of the application. */
export function readServer(query: Record<string, unknown>): string | undefined {
  const first: unknown = Array.isArray(query.server) ? query.server[0] : query.server
  return typeof first === 'string' ? first : undefined
}

/** The server of an address inside this application. */
export function serverOf(path: string): string | undefined {
  return new URLSearchParams(path.split('?')[1]).get('server') || undefined
}

// The address to return to after signing in.

/** Accepts only a path inside this application; anything else leads to the start page. */
export function safeNext(value: unknown): string {
  if (typeof value !== 'string' || !/^\/(?![/\\])/.test(value)) return '/'
  return /^\/(login|password-reset)/.test(value) ? '/' : value
}

// Non-secret values in localStorage, apart for each path the app is served under. A browser that refuses
// storage (private mode, full) only forgets.

function storageKey(name: string): string {
  return `reportapp:${new URL(document.baseURI).pathname}:${name}`
}

export function readStored(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(storageKey(name)) ?? 'null')
  } catch {
    return null
  }
}

export function writeStored(name: string, value: unknown): void {
  try {
    localStorage.setItem(storageKey(name), JSON.stringify(value))
  } catch {
    return
  }
}

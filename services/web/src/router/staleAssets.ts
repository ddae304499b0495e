// After an upgrade, a tab that was open asks for files that are gone. One reload fetches the new ones.

const NAME = 'reportapp:reloaded'
const PAUSE_MS = 10_000

/** Reloads when a part of the app cannot be loaded, but never in a loop. */
export function reloadOnStaleAssets(): void {
  window.addEventListener('vite:preloadError', (event) => {
    const last = Number(sessionStorage.getItem(NAME) ?? 0)
    if (Date.now() - last < PAUSE_MS) return
    sessionStorage.setItem(NAME, String(Date.now()))
    event.preventDefault()
    location.reload()
  })
}

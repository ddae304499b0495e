// What every test shares: the account, the guard against console errors and CSP violations, the look for
// accessibility, the reading of figures from the page, and pictures.
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test as base, expect, type Locator, type Page, type PlaywrightWorkerArgs } from '@playwright/test'
import type { AxeResults } from 'axe-core'
import { AUTH_STATE } from '../playwright.config'

export { expect }
export const USER = process.env.APP_USER!
export const PASSWORD = process.env.APP_PASSWORD!
export const AMOUNTS = ['precdeb', 'preccred', 'ruldeb', 'rulcred', 'solddeb', 'soldcred'] as const
type Amount = (typeof AMOUNTS)[number]
export type BalanceRow = { cont: string; denumire: string | null } & Record<Amount, string>
export interface Balance {
  company: { id: string | number; name: string }
  year: number
  month: number
  rows: BalanceRow[]
  totals: Record<Amount, string>
}

/** Chromium logs refused requests as errors; tests that provoke them name the status here. */
interface Guard {
  allowStatus: (status: number) => void
}

/** Milliseconds, a third of the life of an access token. */
const RENEW_AFTER = 5 * 60_000

/**
 * Renews the shared session before its access token expires. A page would do so by itself, and with it spend the
 * refresh token that the tests after it begin with: used twice, it ends the session.
 */
async function renew({ request }: PlaywrightWorkerArgs['playwright'], base: string): Promise<void> {
  if (Date.now() - statSync(AUTH_STATE).mtimeMs < RENEW_AFTER) return
  const browser = await request.newContext({ ignoreHTTPSErrors: true, storageState: AUTH_STATE })
  const { cookies } = await browser.storageState()
  const csrf = cookies.find(({ name }) => name === 'csrf_token')!.value
  const answer = await browser.post(new URL('api/auth/refresh', base).href, { headers: { 'x-csrf-token': csrf } })
  expect(answer.status(), 'the shared session is renewed').toBe(200)
  await browser.storageState({ path: AUTH_STATE })
  await browser.dispose()
}

export const test = base.extend<{ guard: Guard }>({
  storageState: async ({ playwright, storageState, baseURL }, use) => {
    if (storageState === AUTH_STATE) await renew(playwright, baseURL!)
    await use(storageState)
  },
  guard: [
    async ({ page }, use) => {
      const problems: string[] = []
      // Asking who is signed in is how the page learns that nobody is.
      const allowed = new Set([401])
      page.on('pageerror', (error) => problems.push(`exception: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() !== 'error' && message.type() !== 'warning') return
        const status = /status of (\d{3})/.exec(message.text())?.[1]
        if (!(status && allowed.has(Number(status)))) problems.push(`console: ${message.text()}`)
      })
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`)
        })
      })
      await use({ allowStatus: (status) => void allowed.add(status) })
      expect(problems, 'console errors, exceptions and CSP violations').toEqual([])
    },
    { auto: true },
  ],
})

/** The body of a failed answer, as the API sends it. */
export function problem(status: number, code: string): object {
  return { type: 'about:blank', title: 'Refused', status, detail: 'refused by a test', code, requestId: 'req-123' }
}

/** Waits until a dialog has opened: only then it gives the focus to its first field, whoever types. */
export async function opened(dialog: Locator): Promise<void> {
  await expect(dialog).toBeVisible()
  await expect(dialog).not.toHaveClass(/-enter-/)
}

export async function fillSignIn(page: Page, user: string, password: string): Promise<void> {
  const form = page.locator('form')
  await form.locator('input[name="username"]').fill(user)
  await form.locator('input[autocomplete="current-password"]').fill(password)
  await form.locator('button[type="submit"]').click()
}

/** Somebody is signed in once the figures of the start page stand: its address may name the sign-in page as well. */
export async function expectStart(page: Page): Promise<void> {
  await expect(page.getByTestId('dashboard')).toBeVisible()
}

/** Opens the trial balance and waits until its figures stand. */
export async function openBalance(page: Page, query = ''): Promise<void> {
  await page.goto(`balanta${query}`)
  await expect(page.getByTestId('balance-chip')).toBeVisible()
  await expect(page).toHaveURL(/[?&]company=[^&]+/)
}

export interface ReportAnswer {
  report: string
  columns: string[]
  rows: (string | number | boolean | null)[][]
  totalRows: number
  totals: Record<string, string | number | null>
}

/** Opens a report and returns what the API answers to what the page asked. */
export async function openReport(page: Page, path: string, report: string): Promise<ReportAnswer> {
  const asked = page.waitForRequest((request) => new URL(request.url()).pathname.endsWith(`/api/reports/${report}`))
  await page.goto(path)
  const address = (await asked).url()
  await expect(page.getByTestId('row-count')).toBeVisible()
  return readApi<ReportAnswer>(page, address)
}

/** Asks the API itself for what the page shows now. */
export async function readBalance(page: Page): Promise<Balance> {
  const address = new URL(page.url()).searchParams
  const [year, month] = address.get('p')!.split('-').map(Number)
  const query = new URLSearchParams({
    server: address.get('server')!, company: address.get('company')!, year: String(year), month: String(month),
  })
  return readApi<Balance>(page, `api/trial-balance?${query}`)
}

export async function readApi<T>(page: Page, path: string): Promise<T> {
  const base = await page.evaluate(() => document.baseURI)
  const response = await page.request.get(new URL(path, base).href)
  expect(response.status()).toBe(200)
  return (await response.json()) as T
}

/** "1.234,50" → "1234.50"; a blank cell is no movement. */
export function plain(shown: string): string {
  return shown === '' ? '0.00' : shown.replaceAll('.', '').replace(',', '.')
}

export function shownAmount(amount: string): string {
  const [whole = '', fraction = ''] = amount.split('.')
  return `${whole.replace(/\B(?=(\d{3})+$)/g, '.')},${fraction}`
}

/** Scrolls through the virtual rows and returns the text of every cell by account. */
export async function readGrid(page: Page): Promise<Map<string, Record<string, string>>> {
  const rows = await page.getByRole('grid').evaluate(async (grid) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    const found: Record<string, Record<string, string>> = {}
    const fixed = [...grid.querySelectorAll<HTMLElement>('.head, .foot')].reduce((sum, { offsetHeight }) => sum + offsetHeight, 0)
    const step = grid.clientHeight - fixed
    grid.scrollTop = 0
    for (;;) {
      await frame()
      for (const line of grid.querySelectorAll('.body [role="row"]')) {
        const cells = [...line.querySelectorAll<HTMLElement>('[data-column]')].map(
          (cell) => [cell.dataset.column!, cell.textContent!.trim()] as const,
        )
        found[cells[0]![1]] = Object.fromEntries(cells)
      }
      const before = grid.scrollTop
      grid.scrollTop += step
      if (grid.scrollTop === before) return found
    }
  })
  return new Map(Object.entries(rows))
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** No violation on the page, or in what the selector finds. */
export async function checkAccessibility(page: Page, within?: string): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE)
  const violations = await page.evaluate(async (selector) => {
    const { axe } = window as unknown as { axe: { run: (context: unknown, options: object) => Promise<AxeResults> } }
    const context = selector ? { include: [...document.querySelectorAll(selector)] } : document
    const found = await axe.run(context, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`)
  }, within)
  expect(violations).toEqual([])
}

/** Waits until nothing moves: contrast of a half-faded panel means nothing. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))))
}

export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
}

export interface Appearance {
  theme: 'light' | 'dark'
  locale: 'ro' | 'en'
}

/** Chooses theme and language the way a returning visitor has them: from the browser's storage. */
export async function appear(page: Page, appearance: Appearance): Promise<void> {
  await page.addInitScript((choice) => {
    if (window.top !== window) return
    const base = document.querySelector('base')?.getAttribute('href')
    const write = (path: string) => {
      const key = `reportapp:${path}:preferences`
      const stored = JSON.parse(localStorage.getItem(key) ?? '{}') as object
      localStorage.setItem(key, JSON.stringify({ ...stored, ...choice }))
    }
    if (base) return write(new URL(base, location.href).pathname)
    // The document is not read yet: every path above this page may be the base.
    const parts = location.pathname.split('/')
    for (let end = 1; end < parts.length; end++) write(`${parts.slice(0, end).join('/')}/`)
  }, appearance)
}

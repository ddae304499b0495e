// Signing in and out, where one lands, and going on with a session. Whoever renews a session here has made
// it here: its refresh token is good once, and the stored session is shared by all tests.
import type { Page, Route } from '@playwright/test'
import { expect, expectStart, fillSignIn, openBalance, PASSWORD, problem, test, USER } from './support'

const NOBODY = { cookies: [], origins: [] }

test.describe('a visitor', () => {
  test.use({ storageState: NOBODY })

  test('is told about a wrong password in words that do not say what was wrong, then signs in', async ({ page }) => {
    await page.goto('')
    await expect(page).toHaveURL(/\/login/)
    await fillSignIn(page, USER, `${PASSWORD}-wrong`)
    await expect(page.getByRole('alert')).toHaveText('Utilizatorul sau parola nu se potrivesc.')
    await expect(page.locator('input[autocomplete="current-password"]')).toBeFocused()

    await fillSignIn(page, USER, PASSWORD)
    await expectStart(page)
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie)
    expect(stored, 'what shows that a page of ours asks').toMatch(/csrf_token=\w+/)
    expect(stored.replace(/csrf_token=\w+/, ''), 'nothing that signs anybody in').not.toMatch(/token|eyJ/i)
  })

  test('returns to the deep link after signing in, then signs out for good', async ({ page }) => {
    await page.goto('balanta?zero=1&sort=-ruldeb')
    await expect(page).toHaveURL(/\/login\?next=/)
    await fillSignIn(page, USER, PASSWORD)
    await expect(page.getByTestId('balance-chip')).toBeVisible()
    await expect(page).toHaveURL(/zero=1/)
    await expect(page).toHaveURL(/sort=-ruldeb/)
    await expect(page.getByRole('columnheader', { name: 'Rulaj Debit' })).toHaveAttribute('aria-sort', 'descending')

    await page.getByRole('button', { name: /Contul meu/ }).click()
    await page.getByRole('button', { name: 'Ieși din cont' }).click()
    await expect(page).toHaveURL(/\/login$/)
    await expect(page.getByText('Ai ieșit din cont.')).toBeVisible()
    await page.goto('balanta')
    await expect(page).toHaveURL(/\/login\?next=/)
  })

  test('is asked to fill in both fields before anything is sent', async ({ page }) => {
    await page.goto('login')
    await page.locator('button[type="submit"]').click()
    await expect(page.getByRole('alert')).toHaveText('Completează utilizatorul și parola.')
  })

  test('sees the lock-out count down', async ({ page, guard }) => {
    guard.allowStatus(429)
    await page.route('**/api/auth/login', (route) =>
      route.fulfill({ status: 429, headers: { 'retry-after': '90' }, json: problem(429, 'TooManyAttempts') }),
    )
    await page.goto('login')
    await fillSignIn(page, USER, 'x')
    await expect(page.getByRole('button', { name: /Încearcă din nou peste 1:2\d/ })).toBeDisabled()
  })

  test('goes on without noticing when the access token has expired', async ({ page, context }) => {
    await signIn(page)
    await context.clearCookies({ name: 'access_token' })
    const renewed = page.waitForResponse((response) => response.url().endsWith('/api/auth/refresh'))
    await page.keyboard.press('[')
    expect((await renewed).status()).toBe(200)
    await expectStart(page)
    expect((await context.cookies()).map(({ name }) => name)).toContain('access_token')
    await context.clearCookies({ name: 'access_token' })
    await page.goto('telegram')
    await expect(page.getByRole('heading', { name: 'Telegram' })).toBeVisible()
  })

  test('whose session is over is led to sign-in and back to the same address', async ({ page }) => {
    await signIn(page)
    await openBalance(page, '?sort=-soldcred')
    const address = page.url()
    // The API forgets the session at the next read.
    let expired = true
    const refuse = (route: Route) =>
      expired ? route.fulfill({ status: 401, json: problem(401, 'NotSignedIn') }) : route.continue()
    await page.route('**/api/trial-balance*', refuse)
    await page.route('**/api/auth/refresh', refuse)
    await page.keyboard.press('[')
    await expect(page.getByText(/Sesiunea a expirat/)).toBeVisible()
    expired = false
    await fillSignIn(page, USER, PASSWORD)
    await expect(page.getByTestId('balance-chip')).toBeVisible()
    await expect(page).toHaveURL(/sort=-soldcred/)
    expect(new URL(page.url()).searchParams.get('p')).not.toBe(new URL(address).searchParams.get('p'))
  })
})

/** People who sign in at two ERP servers, besides the accounts of the application. */
test.describe('where people sign in at an ERP', () => {
  test.use({ storageState: NOBODY })
  const PLACES = [
    { server: 'main', title: 'main', kind: 'erp' },
    { server: 'nord', title: 'nord', kind: 'erp' },
    { server: null, title: 'demo', kind: 'store' },
  ]

  test.beforeEach(async ({ page }) => {
    await page.route('**/api/auth/check-identity', (route) => route.fulfill({ json: { servers: PLACES } }))
  })

  test('a server is chosen before a password is sent, and remembered for the name', async ({ page }) => {
    const sent: unknown[] = []
    await page.route('**/api/auth/login', (route) => {
      sent.push(route.request().postDataJSON())
      return route.fulfill({ status: 401, json: problem(401, 'InvalidCredentials') })
    })
    await page.goto('login')
    const server = page.getByTestId('sign-in-server')
    await expect(server).toHaveCount(0)
    await page.locator('input[name="username"]').fill('maria')
    await page.locator('input[autocomplete="current-password"]').fill('a password')
    await expect(server).toHaveValue('main')
    await expect(page.getByText('Parola este cea din ERP și se schimbă acolo.')).toBeVisible()
    await server.selectOption('nord')
    await page.locator('button[type="submit"]').click()
    await expect(page.getByRole('alert')).toHaveText('Utilizatorul sau parola nu se potrivesc.')
    expect(sent).toEqual([{ username: 'maria', password: 'a password', server: 'nord' }])

    await server.selectOption('')
    await page.unroute('**/api/auth/login')
    await fillSignIn(page, USER, PASSWORD)
    await expectStart(page)
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }))
    expect(kept).toContain('servers')
  })

  test('the menu leads to the other servers, and an address of one to its sign-in', async ({ page }) => {
    await page.route('**/api/auth/my-servers', (route) =>
      route.fulfill({ json: { servers: PLACES.map((place) => ({ ...place, signedIn: place.server === 'main' })) } }),
    )
    await page.goto('balanta?server=nord')
    await expect(page.getByTestId('sign-in-server')).toHaveCount(0)
    await page.locator('input[name="username"]').fill(USER)
    await page.locator('input[name="username"]').blur()
    await expect(page.getByTestId('sign-in-server')).toHaveValue('nord')
    await page.goto('login')
    await page.locator('input[name="username"]').fill(USER)
    await page.locator('input[name="username"]').blur()
    await page.getByTestId('sign-in-server').selectOption('')
    await fillSignIn(page, USER, PASSWORD)
    await expectStart(page)

    await page.getByRole('button', { name: /Contul meu/ }).click()
    await page.getByRole('navigation', { name: 'Alt server' }).getByRole('link', { name: 'nord' }).click()
    await expect(page).toHaveURL(/\/login\?server=nord/)
    await expect(page.getByTestId('sign-in-server')).toHaveValue('nord')
    await page.getByRole('link', { name: 'Rămân unde sunt' }).click()
    await expectStart(page)
  })
})

async function signIn(page: Page): Promise<void> {
  await page.goto('')
  await fillSignIn(page, USER, PASSWORD)
  await expectStart(page)
}

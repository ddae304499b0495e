// Signing in and out, and where one lands.
import { expect, fillSignIn, openBalance, PASSWORD, test, USER } from './support'

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
    await expect(page.getByTestId('balance-chip')).toBeVisible()
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie)
    expect(stored, 'no token within reach of scripts').not.toMatch(/token|eyJ/i)
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
      route.fulfill({ status: 429, headers: { 'retry-after': '90' }, json: { error: { code: 'TooManyAttempts', message: 'wait' } } }),
    )
    await page.goto('login')
    await fillSignIn(page, USER, 'x')
    await expect(page.getByRole('button', { name: /Încearcă din nou peste 1:2\d/ })).toBeDisabled()
  })
})

test('an expired session leads to sign-in and back to the same address', async ({ page }) => {
  await openBalance(page, '?sort=-soldcred')
  const address = page.url()
  // The API forgets the session at the next read.
  let expired = true
  await page.route('**/api/trial-balance*', (route) =>
    expired
      ? route.fulfill({ status: 401, json: { error: { code: 'NotSignedIn', message: 'sign in again' } } })
      : route.continue(),
  )
  await page.keyboard.press('[')
  await expect(page.getByText(/Sesiunea a expirat/)).toBeVisible()
  expired = false
  await fillSignIn(page, USER, PASSWORD)
  await expect(page.getByTestId('balance-chip')).toBeVisible()
  await expect(page).toHaveURL(/sort=-soldcred/)
  expect(new URL(page.url()).searchParams.get('p')).not.toBe(new URL(address).searchParams.get('p'))
})

// A forced reset: the right password is refused, a one-time code gives a new one. Answers are imitated, so
// that the account keeps its password.
import { expect, fillSignIn, PASSWORD, problem, test, USER } from './support'

const CODE = 'ABCDEF-234567-GHJKMN-PQRSTW-89ABCD'
const NEW = 'o frază nouă și lungă'

test.use({ storageState: { cookies: [], origins: [] } })

test('whoever must reset their password is led to choose a new one and signs in with it', async ({ page, guard }) => {
  guard.allowStatus(403)
  guard.allowStatus(400)
  let mustReset = true
  await page.route('**/api/auth/login', (route) =>
    mustReset ? route.fulfill({ status: 403, json: problem(403, 'PasswordResetRequired') }) : route.continue(),
  )
  const asked: unknown[] = []
  await page.route('**/api/auth/password/reset', (route) => {
    asked.push(route.request().postDataJSON())
    if (asked.length === 1) return route.fulfill({ status: 400, json: problem(400, 'ResetRefused') })
    mustReset = false
    return route.fulfill({ status: 204 })
  })
  await page.goto('balanta?zero=1')
  await fillSignIn(page, USER, PASSWORD)
  await expect(page.getByRole('heading', { name: 'Alege o parolă nouă' })).toBeVisible()
  await expect(page.getByLabel('Utilizator')).toHaveValue(USER)

  const submit = page.getByRole('button', { name: 'Pune parola' })
  await submit.click()
  await expect(page.getByRole('alert')).toHaveText('Completează toate câmpurile.')
  await page.getByLabel('Cod de unică folosință').fill('WRONG')
  await page.getByLabel('Parola nouă', { exact: true }).fill(NEW)
  await page.getByLabel('Parola nouă, încă o dată').fill(NEW)
  await submit.click()
  await expect(page.getByRole('alert')).toContainText('codul este greșit')
  await page.getByLabel('Cod de unică folosință').fill(CODE)
  await submit.click()
  await expect(page.getByText('Parola nouă este pusă.', { exact: false })).toBeVisible()
  expect(asked.at(-1)).toEqual({ username: USER, code: CODE, new: NEW })

  await fillSignIn(page, USER, PASSWORD)
  await expect(page.getByTestId('balance-chip')).toBeVisible()
  await expect(page, 'back where they wanted to be').toHaveURL(/zero=1/)
})

test('whoever has a code already finds the page from the sign-in', async ({ page }) => {
  await page.goto('login')
  await page.getByRole('link', { name: 'Am un cod de unică folosință' }).click()
  await expect(page.getByRole('heading', { name: 'Alege o parolă nouă' })).toBeVisible()
  await page.getByRole('link', { name: 'Înapoi la autentificare' }).click()
  await expect(page.getByRole('button', { name: 'Intră în cont' })).toBeVisible()
})

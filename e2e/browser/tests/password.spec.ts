// Changing one's own password. Answers are imitated, so that the account keeps its password.
import { expect, opened, problem, test } from './support'

test('a starting password is pointed out and changed from there', async ({ page, guard }) => {
  guard.allowStatus(400)
  await page.route('**/api/auth/me', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), mustChangePassword: true } })
  })
  let wrong = true
  await page.route('**/api/auth/password', (route) => {
    if (!wrong) return route.fulfill({ status: 204 })
    wrong = false
    return route.fulfill({ status: 400, json: problem(400, 'WrongPassword') })
  })
  await page.goto('balanta')
  await page.getByRole('button', { name: 'Schimb-o acum' }).click()
  const dialog = page.getByRole('dialog', { name: 'Schimbă parola' })
  await opened(dialog)
  const fill = async (current: string, next: string, repeat: string) => {
    await dialog.getByLabel('Parola actuală').fill(current)
    await dialog.getByLabel('Parola nouă', { exact: true }).fill(next)
    await dialog.getByLabel('Parola nouă, încă o dată').fill(repeat)
    await dialog.getByRole('button', { name: 'Salvează parola' }).click()
  }
  await fill('old', 'a new phrase', 'another phrase')
  await expect(dialog.getByRole('alert')).toHaveText('Cele două parole noi nu sunt la fel.')
  await fill('old', 'a new phrase', 'a new phrase')
  await expect(dialog.getByRole('alert')).toHaveText('Parola actuală nu este corectă.')
  await fill('right', 'a new phrase', 'a new phrase')
  await expect(dialog.getByText('Parola a fost schimbată.')).toBeVisible()
  await dialog.getByRole('button', { name: 'Închide' }).last().click()
  await expect(page.getByRole('button', { name: 'Schimb-o acum' })).toBeHidden()
})

// Linking a Telegram chat.
import { expect, test } from './support'

test('a code comes with a way to send it and the time it has left', async ({ page }) => {
  await page.goto('telegram')
  const answered = page.waitForResponse((response) => response.url().endsWith('/api/telegram/link') && response.request().method() === 'POST')
  await page.getByRole('button', { name: 'Generează un cod' }).click()
  const { code, deepLink } = (await (await answered).json()) as { code: string; deepLink: string | null }
  await expect(page.getByTestId('telegram-code')).toHaveText(code)
  await expect(page.getByText(`/start ${code}`)).toBeVisible()
  await expect(page.getByRole('timer')).toContainText(/1[45]:\d\d/)
  const qr = page.getByRole('img', { name: 'Cod QR cu linkul către bot' })
  if (deepLink === null) await expect(qr).toBeHidden()
  else {
    await expect(qr).toBeVisible()
    await expect(page.getByRole('link', { name: 'Deschide în Telegram' })).toHaveAttribute('href', deepLink)
  }
})

test('a chat that redeems the code appears by itself and can be unlinked', async ({ page }) => {
  let linked: { chatId: number; linkedAt: string }[] = []
  await page.route('**/api/telegram/link', async (route) => {
    if (route.request().method() === 'GET') await route.fulfill({ json: { linked } })
    else await route.fulfill({ json: { code: 'ABCD2345', expiresAt: new Date(Date.now() + 900_000).toISOString(), deepLink: null } })
  })
  await page.route('**/api/telegram/link/77', async (route) => {
    linked = []
    await route.fulfill({ status: 204 })
  })
  await page.goto('telegram')
  await expect(page.getByText('Nicio conversație legată încă.')).toBeVisible()
  await page.getByRole('button', { name: 'Generează un cod' }).click()
  await expect(page.getByTestId('telegram-code')).toBeVisible()
  linked = [{ chatId: 77, linkedAt: new Date().toISOString() }]
  await expect(page.getByText('Conversația a fost legată.', { exact: false })).toBeVisible()
  await page.getByRole('button', { name: 'Dezleagă: Conversația 77' }).click()
  await expect(page.getByText('Nicio conversație legată încă.')).toBeVisible()
})

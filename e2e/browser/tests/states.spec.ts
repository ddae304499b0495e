// What the page says when there is nothing to show, when reading fails, and while it waits.
import { expect, expectStart, openBalance, problem, readBalance, test, type Balance } from './support'

test('a failed read shows a sentence, the code and another try', async ({ page, guard }) => {
  guard.allowStatus(400)
  let broken = true
  await page.route('**/api/trial-balance*', (route) =>
    broken
      ? route.fulfill({ status: 400, headers: { 'x-request-id': 'req-123' }, json: problem(400, 'InvalidPeriod') })
      : route.continue(),
  )
  await page.goto('balanta')
  const alert = page.getByRole('alert').filter({ hasText: 'Luna cerută nu este bună' })
  await expect(alert).toContainText('Cod: InvalidPeriod')
  await expect(alert).toContainText('req-123')
  broken = false
  await alert.getByRole('button', { name: 'Încearcă din nou' }).click()
  await expect(page.getByTestId('balance-chip')).toBeVisible()
})

test('a slow answer shows a skeleton first', async ({ page }) => {
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/api/trial-balance*', async (route) => {
    await held
    await route.continue()
  })
  await page.goto('balanta')
  await expect(page.getByText('Se încarcă…')).toBeAttached()
  release()
  await expect(page.getByTestId('balance-chip')).toBeVisible()
})

test('books that do not balance show the difference and the pair', async ({ page }) => {
  await openBalance(page)
  const balance = await readBalance(page)
  await page.route('**/api/trial-balance*', (route) => {
    const totals: Balance['totals'] = { ...balance.totals, rulcred: '1234567.50', ruldeb: '1234579.50' }
    return route.fulfill({ json: { ...balance, totals } })
  })
  await page.reload()
  await expect(page.getByTestId('balance-chip')).toHaveText('diferență 12,00 la Rulaj')
})

test('a month without rows says so', async ({ page }) => {
  await openBalance(page)
  const balance = await readBalance(page)
  await page.route('**/api/trial-balance*', (route) => route.fulfill({ json: { ...balance, rows: [] } }))
  await page.reload()
  await expect(page.getByText(/Nicio înregistrare până în/)).toBeVisible()
})

test('a user without companies is told whom to ask', async ({ page }) => {
  await page.route('**/api/companies*', (route) => route.fulfill({ json: [] }))
  await page.goto('balanta')
  await expect(page.getByText('Nu ai acces la nicio companie')).toBeVisible()
})

test('an unknown address leads back to the start', async ({ page }) => {
  await page.goto('nowhere/at/all')
  await page.getByRole('link', { name: 'Mergi la panou' }).click()
  await expectStart(page)
})

test('a report that is not in the catalogue says so', async ({ page }) => {
  await page.goto('rapoarte/of-somebody-else')
  await expect(page.getByRole('heading', { name: 'Raportul nu există' })).toBeVisible()
})

test('a report that fails says why and keeps its filters at hand', async ({ page, guard }) => {
  guard.allowStatus(400)
  let broken = true
  await page.route('**/api/reports/journal?*', (route) =>
    broken ? route.fulfill({ status: 400, json: problem(400, 'ParameterInvalid') }) : route.continue(),
  )
  await page.goto('jurnal?document=NC-1')
  const alert = page.getByRole('alert').filter({ hasText: 'Una dintre valorile din filtre nu este bună' })
  await expect(alert).toContainText('Cod: ParameterInvalid')
  await expect(page.getByLabel('Document', { exact: true })).toHaveValue('NC-1')
  broken = false
  await alert.getByRole('button', { name: 'Încearcă din nou' }).click()
  await expect(page.getByTestId('row-count')).toBeVisible()
})

test('fifty thousand accounts are drawn a screen at a time', async ({ page }) => {
  // Handing the imitated answer to the browser is the slow part, not drawing it.
  test.slow()
  await openBalance(page)
  const balance = await readBalance(page)
  const rows = Array.from({ length: 50_000 }, (_, i) => ({
    ...balance.rows[0]!, cont: String(100_000 + i), denumire: `Cont ${i}`, ruldeb: `${i}.25`,
  }))
  await page.route('**/api/trial-balance*', (route) => route.fulfill({ json: { ...balance, rows } }))
  await page.reload()
  const grid = page.getByRole('grid')
  await expect(grid).toHaveAttribute('aria-rowcount', '50003', { timeout: 60_000 })
  await grid.focus()
  await page.keyboard.press('Control+End')
  await expect(page.getByRole('gridcell', { name: 'Cont 49999', exact: true })).toBeVisible()
  expect(await page.locator('.body [role="row"]').count()).toBeLessThan(100)
})

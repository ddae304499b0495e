// The start page and the treasury: figures against the API's JSON, charts with a table beside them, the ways on.
import { expect, expectStart, readApi, shownAmount, test } from './support'

interface Dashboard {
  figures: { id: string; current: string }[]
  months: { liquidity: string; income: string }[]
  overdue: { partner: string; amount: string }[]
}

interface Treasury {
  cash: { total: string; accounts: { cont: string; closing: string }[] }
  bank: { total: string; accounts: { cont: string; closing: string }[] }
}

/** The query of the API for what the address names. */
function asked(url: string): string {
  const address = new URL(url).searchParams
  const [year, month] = address.get('p')!.split('-').map(Number)
  return new URLSearchParams({ server: address.get('server')!, company: address.get('company')!, year: String(year), month: String(month) }).toString()
}

test('the figures are those of the API and lead to what they are made of', async ({ page }) => {
  await page.goto('')
  await expectStart(page)
  await expect(page).toHaveURL(/[?&]p=/)
  const { figures } = await readApi<Dashboard>(page, `api/dashboard?${asked(page.url())}`)
  for (const id of ['income', 'expense', 'result', 'clients', 'suppliers']) {
    const figure = figures.find((one) => one.id === id)!
    await expect(page.locator(`[data-figure="${id}"]`)).toContainText(shownAmount(figure.current))
  }
  await expect(page.locator('[data-figure]')).toHaveCount(6)
  await page.locator('a[data-figure="liquidity"]').click()
  await expect(page).toHaveURL(/\/trezorerie\?/)
  await page.goBack()
  await expectStart(page)
})

test('each chart says what it shows, is a table as well, and leads on', async ({ page }) => {
  await page.goto('')
  await expectStart(page)
  await expect(page).toHaveURL(/[?&]p=/)
  const { months } = await readApi<Dashboard>(page, `api/dashboard?${asked(page.url())}`)
  for (const key of ['liquidity', 'result', 'ageing']) {
    const canvas = page.locator(`[data-chart="${key}"] canvas`)
    await expect(canvas).toHaveAttribute('aria-label', /\d,\d\d/)
    await expect.poll(() => canvas.evaluate((element: HTMLCanvasElement) => element.width)).toBeGreaterThan(100)
  }
  const chart = page.locator('[data-chart="liquidity"]')
  await chart.getByRole('button', { name: /^Arată ca tabel/ }).click()
  await expect(chart.locator('tbody tr')).toHaveCount(months.length)
  await expect(chart.locator('tbody tr').last()).toContainText(shownAmount(months.at(-1)!.liquidity))
  await chart.locator('tbody a').first().click()
  await expect(page).toHaveURL(/\/trezorerie\?/)
})

test('a click on a chart leads where its table leads', async ({ page }) => {
  await page.goto('')
  await expectStart(page)
  const canvas = page.locator('[data-chart="ageing"] canvas')
  await canvas.scrollIntoViewIfNeeded()
  await expect.poll(() => canvas.evaluate((element: HTMLCanvasElement) => element.width)).toBeGreaterThan(100)
  const box = (await canvas.boundingBox())!
  await canvas.click({ position: { x: box.width * 0.45, y: box.height * 0.2 } })
  await expect(page).toHaveURL(/\/scadentar\/clienti\?/)
})

test('an overdue client leads to the overdue invoices', async ({ page }) => {
  await page.goto('')
  await expectStart(page)
  const { overdue } = await readApi<Dashboard>(page, `api/dashboard?${asked(page.url())}`)
  const first = overdue[0]
  if (!first) {
    await expect(page.getByText('Nicio factură peste termen.')).toBeVisible()
    return
  }
  await page.getByRole('region', { name: 'Clienții cu cele mai mari restanțe' }).getByRole('link').first().click()
  await expect(page).toHaveURL(new RegExp(`/facturi\\?.*filter=partner:eq:${first.partner.replace('.', '\\.')}`))
  await expect(page).toHaveURL(/status=overdue/)
})

test('the treasury shows every account, and each leads to its movements', async ({ page }) => {
  await page.goto('trezorerie')
  await expect(page.getByTestId('treasury')).toBeVisible()
  await expect(page).toHaveURL(/[?&]p=/)
  const treasury = await readApi<Treasury>(page, `api/treasury?${asked(page.url())}`)
  for (const kind of ['cash', 'bank'] as const) {
    await expect(page.locator(`[data-total="${kind}"]`)).toContainText(shownAmount(treasury[kind].total))
    for (const { cont, closing } of treasury[kind].accounts) {
      await expect(page.locator(`[data-account="${cont}"]`)).toContainText(shownAmount(closing))
    }
  }
  const { cont } = treasury.bank.accounts[0]!
  await page.locator(`a[data-account="${cont}"]`).click()
  await expect(page).toHaveURL(new RegExp(`/trezorerie/miscari\\?.*account=${cont.replace('.', '\\.')}`))
})

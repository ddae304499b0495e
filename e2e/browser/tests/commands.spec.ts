// The palette, the keys, and views that somebody gave a name.
import type { Page } from '@playwright/test'
import { checkAccessibility, expect, openBalance, openReport, picture, readApi, settle, test } from './support'

test('the palette leads to a page, a company and a month by keys alone', async ({ page }) => {
  await openBalance(page)
  const companies = await readApi<{ server: string; id: string; name: string }[]>(page, 'api/companies')
  const last = companies.at(-1)!
  await jump(page, 'SCADENTAR furn')
  await expect(page).toHaveURL(/\/scadentar\/furnizori\?/)
  await jump(page, last.name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase())
  await expect(page.getByTestId('company-picker')).toContainText(last.name)
  const { periods } = await readApi<{ periods: { year: number; month: number }[] }>(page, `api/calendar?${new URLSearchParams({ server: last.server, company: last.id })}`)
  const { year, month } = periods.at(-3)!
  const key = `${year}-${String(month).padStart(2, '0')}`
  await jump(page, key)
  await expect(page).toHaveURL(new RegExp(`/scadentar/furnizori\\?.*p=${key}`))
})

test('the palette is found by a button, says what it offers, and carries out commands; ? shows the keys', async ({ page }) => {
  await openBalance(page)
  await page.getByTestId('palette').click()
  const input = page.getByRole('combobox')
  await expect(input).toBeFocused()
  await page.keyboard.press('ArrowUp')
  const active = page.getByRole('option', { selected: true })
  await expect(active).toHaveText(/^Ieși din cont/)
  await expect(active).toHaveId((await input.getAttribute('aria-activedescendant'))!)
  await settle(page)
  await picture(page, 'palette')
  await checkAccessibility(page, '[role="dialog"]')
  await page.keyboard.type('zzz')
  await expect(page.getByText('Nimic găsit.')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(input).toBeHidden()

  await jump(page, 'intunecat')
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await jump(page, 'english')
  await expect(page.locator('html')).toHaveAttribute('lang', 'en')
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible()
})

test('a view comes back by its name, by default from the menu, and never in place of what a link says', async ({ page }) => {
  await openReport(page, 'facturi', 'invoices')
  const plain = page.url()
  await page.goto(`${plain}&filter=rest:gt:0.00&sort=-rest&cols=number,partnerName,rest`)
  await expect(page.getByTestId('row-count')).toBeVisible()
  await page.getByTestId('views').click()
  await page.getByLabel('Numele vederii').fill('De încasat')
  await page.keyboard.press('Enter')
  const row = page.locator('[data-view="De încasat"]')
  await settle(page)
  await checkAccessibility(page, '[role="dialog"]')
  await row.getByRole('button', { name: /^Se deschide de la început/ }).click()
  await page.getByRole('button', { name: 'Vederea obișnuită' }).click()
  await expect(page).not.toHaveURL(/filter=|sort=|cols=/)
  await expect(page.getByRole('columnheader', { name: 'Net' })).toBeVisible()

  await jump(page, 'de incasat')
  await expect(page).toHaveURL(/filter=rest:gt:0\.00/)
  await expect(page.getByTestId('views')).toContainText('De încasat')
  await page.getByRole('navigation').getByRole('link', { name: 'Jurnal' }).click()
  await expect(page).toHaveURL(/\/jurnal\?/)
  await page.getByRole('navigation').getByRole('link', { name: 'Facturi', exact: true }).click()
  await expect(page).toHaveURL(/\/facturi\?.*cols=number,partnerName,rest/)
  await page.goto(plain)
  await expect(page.getByRole('columnheader', { name: 'Net' }), 'a link is open to nothing else').toBeVisible()

  await page.getByTestId('views').click()
  await row.getByRole('button', { name: /^Redenumește/ }).click()
  await page.keyboard.type('Restanțe')
  await page.keyboard.press('Enter')
  const renamed = page.locator('[data-view="Restanțe"]')
  await renamed.getByRole('button', { name: /^Șterge/ }).click()
  await expect(renamed).toBeHidden()
  await page.getByRole('button', { name: 'Anulează' }).click()
  await expect(renamed).toBeVisible()
})

/** Asks the palette for something and goes to the first thing it finds. */
async function jump(page: Page, query: string): Promise<void> {
  // Keys rest until what was open has closed.
  await expect(page.locator('[aria-modal="true"]')).toHaveCount(0)
  await page.keyboard.press('Control+k')
  const input = page.getByRole('combobox')
  await expect(input).toBeFocused()
  await page.keyboard.type(query)
  await expect(page.getByRole('option').first()).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Enter')
  await expect(input).toBeHidden()
}

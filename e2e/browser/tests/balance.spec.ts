// The trial balance: its figures against the API's JSON, pickers, search, order, keys, memory.
import type { Page } from '@playwright/test'
import { AMOUNTS, expect, openBalance, plain, readApi, readBalance, readGrid, shownAmount, test } from './support'
import type { Balance } from './support'

/** For every month of every company, a second or two each. */
const EVERY_MONTH = 15 * 60_000

interface Period {
  year: number
  month: number
}

test('figures, names and totals of every company and month are those of the API, to the cent', async ({ page }) => {
  test.setTimeout(EVERY_MONTH)
  await openBalance(page)
  for (const { server, id } of await readCompanies(page)) {
    const periods = await readPeriods(page, server, id)
    expect(periods.length, `months of ${id}`).toBeGreaterThan(0)
    await openBalance(page, `?${new URLSearchParams({ server, company: id, p: periodKey(periods[0]!), zero: '1' })}`)
    for (const [index, period] of periods.entries()) {
      if (index > 0) await page.keyboard.press(']')
      await expect(page).toHaveURL(new RegExp(`p=${periodKey(period)}`))
      await expectFiguresOfApi(page, server, id, period)
    }
  }
})

test('totals balance in all three pairs and the page says so', async ({ page }) => {
  await openBalance(page)
  const { totals } = await readBalance(page)
  expect([totals.precdeb, totals.ruldeb, totals.solddeb]).toEqual([totals.preccred, totals.rulcred, totals.soldcred])
  await expect(page.getByTestId('balance-chip')).toHaveText('echilibrată')
})

test('company and month are chosen, stand in the address and are remembered', async ({ page }) => {
  await openBalance(page)
  const last = (await readCompanies(page)).at(-1)!
  await page.getByTestId('company-picker').click()
  await page.locator(`[data-company="${last.id}"]`).click()
  await expect(page.getByTestId('company-picker')).toContainText(last.name)
  await expect(page).toHaveURL(new RegExp(`company=${encodeURIComponent(last.id)}(&|$)`))

  const key = periodKey((await readPeriods(page, last.server, last.id)).at(-2)!)
  await choosePeriod(page, key)
  await expect(page).toHaveURL(new RegExp(`p=${key}`))
  await expect.poll(async () => shownTotal(page)).toBe(shownAmount((await readBalance(page)).totals.ruldeb))

  await page.reload()
  await expect(page).toHaveURL(new RegExp(`p=${key}`))
  await openBalance(page)
  await expect(page.getByTestId('company-picker')).toContainText(last.name)
  await expect(page).toHaveURL(new RegExp(`p=${key}`))
})

test('[ and ] step the month and back returns', async ({ page }) => {
  await openBalance(page)
  const start = new URL(page.url()).searchParams.get('p')!
  await page.keyboard.press('[')
  await expect(page).not.toHaveURL(new RegExp(`p=${start}`))
  await page.keyboard.press(']')
  await expect(page).toHaveURL(new RegExp(`p=${start}`))
  await page.goBack()
  await expect(page).not.toHaveURL(new RegExp(`p=${start}`))
})

test('search ignores diacritics, filters rows and sums them, and keeps the grand total', async ({ page }) => {
  await openBalance(page)
  const balance = await readBalance(page)
  const moved = balance.rows.filter((row) => AMOUNTS.some((key) => row[key] !== '0.00'))
  const row = moved.find(({ denumire }) => /[ăâîșț]/i.test(denumire ?? ''))!
  const query = row.denumire!.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase()
  await page.keyboard.press('/')
  await page.keyboard.type(query)
  await expect(page.locator('.body [role="row"]').first()).toContainText(row.denumire!)
  await expect(page).toHaveURL(/[?&]q=/)
  await expect(page.locator('[data-footer="shown"]')).toBeVisible()
  await expect(page.locator('[data-footer="total"] [data-column="ruldeb"]')).toHaveText(shownAmount(balance.totals.ruldeb))

  await page.keyboard.press('Escape')
  await expect(page.locator('[data-footer="shown"]')).toBeHidden()
  await page.keyboard.type('zzz no such account')
  await expect(page.getByText('Niciun cont nu se potrivește')).toBeVisible()
})

test('headings sort from the largest, then the smallest, then by account', async ({ page }) => {
  await openBalance(page)
  const heading = page.getByRole('columnheader', { name: 'Sold Debit' })
  const first = page.locator('.body [role="row"]').first().locator('[data-column="solddeb"]')
  const { rows } = await readBalance(page)
  const cents = (amount: string) => BigInt(amount.replace('.', ''))
  const largest = rows.map(({ solddeb }) => solddeb).reduce((a, b) => (cents(a) >= cents(b) ? a : b))
  await heading.click()
  await expect(heading).toHaveAttribute('aria-sort', 'descending')
  await expect(first).toHaveText(shownAmount(largest))
  await heading.click()
  await expect(heading).toHaveAttribute('aria-sort', 'ascending')
  await heading.click()
  await expect(heading).toHaveAttribute('aria-sort', 'none')
  await expect(page).not.toHaveURL(/sort=/)
})

test('zero accounts are hidden with their number and come back', async ({ page }) => {
  await openBalance(page)
  const { rows } = await readBalance(page)
  const zeros = rows.filter((row) => AMOUNTS.every((key) => row[key] === '0.00')).length
  const all = Number(await page.getByRole('grid').getAttribute('aria-rowcount'))
  expect(all).toBe(rows.length - zeros + 3)
  const chip = page.getByTestId('zeros-chip')
  if (zeros === 0) {
    await expect(chip).toBeHidden()
    return
  }
  await expect(chip).toContainText(String(zeros))
  await chip.click()
  await expect(page.getByRole('grid')).toHaveAttribute('aria-rowcount', String(rows.length + 3))
  await expect(page).toHaveURL(/zero=1/)
})

test('the grid is walked and sorted with keys alone', async ({ page }) => {
  await openBalance(page)
  const grid = page.getByRole('grid')
  await page.keyboard.press('/')
  await page.keyboard.press('Enter')
  await expect(grid).toBeFocused()
  const active = () => grid.evaluate((element) => document.getElementById(element.getAttribute('aria-activedescendant')!)?.dataset.column ?? null)
  await page.keyboard.press('ArrowRight')
  expect(await active()).toBe('denumire')
  await page.keyboard.press('Control+End')
  await expect.poll(active).toBe('soldcred')
  await page.keyboard.press('Control+Home')
  await page.keyboard.press('End')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/sort=-soldcred/)
  await expect(grid).toBeFocused()
})

test('heading, totals and frozen columns stay in sight while the figures scroll', async ({ page }) => {
  await page.setViewportSize({ width: 800, height: 600 })
  await openBalance(page, '?zero=1')
  const grid = page.getByRole('grid')
  const name = page.locator('[data-footer="total"] [data-column="denumire"]')
  const before = await name.boundingBox()
  await grid.evaluate((element) => element.scrollTo(400, 500))
  await expect(page.getByRole('columnheader', { name: 'Cont', exact: true })).toBeInViewport()
  expect(await name.boundingBox()).toEqual(before)
})

async function choosePeriod(page: Page, key: string): Promise<void> {
  await page.getByTestId('period-picker').click()
  const panel = page.getByRole('dialog')
  const wanted = panel.locator(`[data-period="${key}"]`)
  while ((await wanted.count()) === 0) await panel.getByRole('button', { name: 'Anul anterior' }).click()
  await wanted.click()
}

function shownTotal(page: Page): Promise<string> {
  return page.locator('[data-footer="total"] [data-column="ruldeb"]').innerText()
}

function readCompanies(page: Page): Promise<{ server: string; id: string; name: string }[]> {
  return readApi(page, 'api/companies')
}

async function readPeriods(page: Page, server: string, company: string): Promise<Period[]> {
  const calendar = await readApi<{ periods: Period[] }>(page, `api/calendar?${new URLSearchParams({ server, company })}`)
  return calendar.periods
}

function periodKey({ year, month }: Period): string {
  return `${year}-${String(month).padStart(2, '0')}`
}

/** Compares every cell of the page, as one list of lines so that a difference shows its neighbours. */
async function expectFiguresOfApi(page: Page, server: string, company: string, { year, month }: Period): Promise<void> {
  const query = new URLSearchParams({ server, company, year: String(year), month: String(month) })
  const balance = await readApi<Balance>(page, `api/trial-balance?${query}`)
  for (const key of AMOUNTS) {
    await expect(page.locator(`[data-footer="total"] [data-column="${key}"]`)).toHaveText(shownAmount(balance.totals[key]))
  }
  const grid = await readGrid(page)
  const shown = [...grid].map(([cont, cells]) => [cont, cells.denumire, ...AMOUNTS.map((key) => plain(cells[key]!))].join(' | '))
  const names = (cont: string, name: string | null) => name || grid.get(cont)?.denumire
  const wanted = balance.rows.map((row) => [row.cont, names(row.cont, row.denumire), ...AMOUNTS.map((key) => row[key])].join(' | '))
  expect(wanted.length, 'accounts').toBeGreaterThan(0)
  expect(shown.sort(), `${company} ${year}-${month}`).toEqual(wanted.sort())
}

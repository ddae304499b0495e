// Reports of the catalogue: figures against the API's JSON, drill-down, filters, columns, order, periods,
// keys, paper, and reports too large to be read at once.
import type { Page } from '@playwright/test'
import { checkAccessibility, expect, openReport, readApi, shownAmount, test, type ReportAnswer } from './support'

const PAGES = [
  ['facturi', 'invoices'], ['solduri/clienti', 'client-balances'], ['solduri/furnizori', 'supplier-balances'],
  ['scadentar/clienti', 'ageing-clients'], ['scadentar/furnizori', 'ageing-suppliers'],
  ['trezorerie/miscari', 'treasury-movements'], ['incasari', 'receipts'], ['jurnal', 'journal'],
  ['rapoarte/invoices-summary', 'invoices-summary'],
] as const

for (const [path, report] of PAGES) {
  test(`${path} shows the rows and totals of the API, to the cent`, async ({ page }) => {
    const answer = await openReport(page, path, report)
    if (answer.totalRows === 0) {
      await expect(page.getByText('Nimic în perioada aceasta')).toBeVisible()
      return
    }
    const grid = page.locator('[role="grid"], [role="treegrid"]')
    const totals = Object.entries(answer.totals)
    await expect(grid.locator('.body [role="row"]').first()).toHaveAttribute('aria-rowindex', /^[23]$/)
    const headings = await grid.locator('.head [role="row"]').count()
    await expect(grid).toHaveAttribute('aria-rowcount', String(answer.totalRows + documents(answer) + headings + (totals.length > 0 ? 1 : 0)))
    for (const [name, total] of totals) {
      if (typeof total === 'string') await expect(page.locator(`[data-footer="total"] [data-column="${name}"]`)).toHaveText(shownAmount(total))
    }
  })
}

test('a figure leads to what is behind it, by click and by key, and back finds the same cell', async ({ page }) => {
  await openReport(page, 'scadentar/clienti', 'ageing-clients')
  const link = page.locator('.body [data-column="partner"] a').first()
  const account = (await link.textContent())!
  const { search: before } = new URL(page.url())
  await link.click()
  await expect(page).toHaveURL(/\/fisa-cont\?/)
  const there = new URL(page.url()).searchParams
  expect(there.get('account')).toBe(account)
  for (const name of ['server', 'company', 'p']) expect(there.get(name)).toBe(new URLSearchParams(before).get(name))
  await expect(page.getByLabel('Cont', { exact: true })).toHaveValue(account)

  await page.goBack()
  const grid = page.getByRole('grid')
  await expect(grid).toBeVisible()
  await grid.focus()
  for (const key of ['Control+Home', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key)
  const active = () => grid.evaluate((element) => document.getElementById(element.getAttribute('aria-activedescendant')!)?.textContent)
  const second = (await active())!
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`account=${second.replace('.', '\\.')}`))
  await page.goBack()
  await expect(grid).toBeVisible()
  expect(await active()).toBe(second)
})

test('the trial balance leads to the card of an account', async ({ page }) => {
  await page.goto('balanta')
  const link = page.locator('.body [data-column="cont"] a').first()
  const account = (await link.textContent())!
  await link.click()
  await expect(page).toHaveURL(new RegExp(`/fisa-cont\\?.*account=${account.replace('.', '\\.')}`))
})

test('the levels of the trial balance stand in the address', async ({ page }) => {
  await page.goto('balanta')
  const answered = page.waitForResponse((response) => response.url().includes('level=synthetic'))
  await page.getByRole('radio', { name: 'Sintetic' }).check()
  expect((await answered).status()).toBe(200)
  await expect(page).toHaveURL(/level=synthetic/)
})

test('parameters, column filters and search narrow a report and stand in the address', async ({ page }) => {
  await openReport(page, 'facturi', 'invoices')
  const asked = page.waitForRequest((request) => request.url().includes('/api/reports/invoices?direction=issued'))
  await page.getByRole('radio', { name: 'Emise' }).check()
  const issued = await readApi<ReportAnswer>(page, (await asked).url())
  await expect(page).toHaveURL(/direction=issued/)
  await expect(page.getByRole('columnheader', { name: 'Fel', exact: true })).toBeHidden()

  await page.getByTestId('add-filter').click()
  const panel = page.getByRole('dialog')
  await panel.getByLabel('Coloană').selectOption('total')
  await panel.getByLabel('Comparație').selectOption('ge')
  await panel.getByLabel('Valoare').fill('1.000,50')
  await panel.getByLabel('Valoare').press('Tab')
  await panel.getByRole('button', { name: 'Aplică' }).click()
  await expect(page).toHaveURL(/filter=total:ge:1000\.50/)
  const cents = (amount: unknown) => BigInt(String(amount).replace('.', ''))
  const total = issued.columns.indexOf('total')
  const found = issued.rows.filter((row) => cents(row[total]) >= 100_050n)
  await expect(page.getByTestId('row-count')).toContainText(new RegExp(`^\\D*${found.length}\\D`))
  const sum = found.reduce((all, row) => all + cents(row[total]), 0n).toString().padStart(3, '0')
  await expect(page.locator('[data-footer="shown"] [data-column="total"]')).toHaveText(shownAmount(`${sum.slice(0, -2)}.${sum.slice(-2)}`))

  await page.reload()
  await expect(page.getByTestId('row-count')).toContainText(String(found.length))
  await page.getByRole('button', { name: /^Scoate filtrul/ }).click()
  await expect(page).not.toHaveURL(/filter=/)
  await page.keyboard.press('/')
  await page.keyboard.type('zzz no such thing')
  await expect(page.getByText('Niciun rând nu se potrivește')).toBeVisible()
  await page.getByRole('button', { name: 'Scoate filtrele' }).click()
  await expect(page.getByRole('grid')).toBeVisible()
})

test('columns are chosen, and sorting by one or by two stands in the address', async ({ page }) => {
  await openReport(page, 'facturi', 'invoices')
  await page.getByTestId('columns').press('Enter')
  await expect(page.locator('[data-choose="number"]')).toBeFocused()
  const names = await page.locator('[data-choose]').evaluateAll((boxes) => boxes.map((box) => (box as HTMLElement).dataset.choose))
  for (let at = 0; at < names.indexOf('vat'); at++) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Space')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('columnheader', { name: 'TVA' })).toBeHidden()
  await expect(page).toHaveURL(/cols=number,/)
  await page.reload()
  await expect(page.getByRole('columnheader', { name: 'Net' })).toBeVisible()
  await expect(page.getByRole('columnheader', { name: 'TVA' })).toBeHidden()

  const number = page.getByRole('columnheader', { name: 'Număr' })
  await number.click()
  await expect(number).toHaveAttribute('aria-sort', 'ascending')
  await expect(page).toHaveURL(/sort=number/)
  await page.getByRole('columnheader', { name: 'Net' }).click({ modifiers: ['Shift'] })
  await expect(page).toHaveURL(/sort=number,-net/)
})

test('a span is a month, a quarter, a year or days of choice, and is stepped by keys', async ({ page }) => {
  await openReport(page, 'jurnal', 'journal')
  const year = new URL(page.url()).searchParams.get('p')!.slice(0, 4)
  const picker = page.getByTestId('period-picker')
  await choose(page, 'Trimestru', `${year}-q1`)
  await expect(page).toHaveURL(new RegExp(`p=${year}-q1`))
  await expect(picker).toContainText(`trimestrul I ${year}`)
  await page.keyboard.press('[')
  await expect(page).toHaveURL(new RegExp(`p=${Number(year) - 1}-q4`))
  await page.keyboard.press(']')
  await choose(page, 'An', year)
  await expect(page).toHaveURL(new RegExp(`p=${year}(&|$)`))

  await picker.click()
  const panel = page.getByRole('dialog')
  await panel.getByRole('radio', { name: 'Interval' }).check()
  await panel.getByLabel('De la').fill(`${year}-01-15`)
  await panel.getByLabel('Până la').fill(`${year}-02-14`)
  await panel.getByRole('button', { name: 'Aplică' }).click()
  await expect(page).toHaveURL(new RegExp(`from=${year}-01-15&to=${year}-02-14`))
  await expect(page.getByTestId('report-time')).toHaveText(`15.01.${year} – 14.02.${year}`)

  await page.goto('balanta')
  await expect(page, 'a page of months takes the last month of the span').toHaveURL(new RegExp(`p=${year}-02`))
})

test('the periods of an ageing report are chosen, stand in the address and are named by its headings', async ({ page }) => {
  await openReport(page, 'scadentar/clienti', 'ageing-clients')
  const asked = page.waitForRequest((request) => request.url().includes('bound1=15'))
  await page.locator('[data-parameter="bound1"]').fill('15')
  await page.keyboard.press('Tab')
  const { totals } = await readApi<ReportAnswer>(page, (await asked).url())
  await expect(page.getByRole('columnheader', { name: 'Restant 1–15 zile' })).toBeVisible()
  await expect(page.getByRole('columnheader', { name: 'Restant 16–60 zile' })).toBeVisible()
  for (const name of ['days30', 'days60', 'older']) {
    await expect(page.locator(`[data-footer="total"] [data-column="${name}"]`)).toHaveText(shownAmount(String(totals[name])))
  }
  await page.locator('[data-parameter="bound3"]').fill('60')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('alert')).toHaveText(/mai mare decât cel dinainte/)
  await expect(page).toHaveURL(/bound1=15/)
  await expect(page).not.toHaveURL(/bound3=/)
  await page.getByRole('button', { name: 'Pragurile obișnuite' }).click()
  await expect(page).not.toHaveURL(/bound/)
  await expect(page.getByRole('columnheader', { name: 'Restant 1–30 zile' })).toBeVisible()
})

test('the lines of a document fold under their sum, and stay so', async ({ page }) => {
  const answer = await openReport(page, 'jurnal', 'journal')
  const column = (name: string) => answer.columns.indexOf(name)
  const name = answer.rows.map((row) => row[column('document')]).find((one, i, all) => one === all[i + 1])!
  const lines = answer.rows.filter((row) => row[column('document')] === name)
  const cents = lines.reduce((sum, row) => sum + BigInt(String(row[column('debit')]).replace('.', '')), 0n).toString().padStart(3, '0')
  const heading = page.locator('.body [role="row"][aria-expanded]', { hasText: String(name) })
  const own = page.locator('.body [role="row"]:not([aria-expanded])', { hasText: String(name) })
  await expect(heading.locator('[data-column="debit"]')).toHaveText(shownAmount(`${cents.slice(0, -2)}.${cents.slice(-2)}`))
  await expect(own).toHaveCount(lines.length)
  await checkAccessibility(page, '[role="treegrid"]')

  await page.getByTestId('fold-all').click()
  await expect(heading).toHaveAttribute('aria-expanded', 'false')
  await expect(own).toHaveCount(0)
  await page.reload()
  await expect(heading, 'remembered').toHaveAttribute('aria-expanded', 'false')
  await heading.locator('[data-column="text"]').click()
  await expect(own).toHaveCount(lines.length)
  await page.keyboard.press('Space')
  await expect(own).toHaveCount(0)
  await page.getByTestId('fold-by').click()
  await expect(page.getByRole('grid')).toBeVisible()
  await expect(own).toHaveCount(lines.length)
})

test('the ledger card asks for an account first', async ({ page }) => {
  await page.goto('fisa-cont')
  await expect(page.getByText('Alege întâi: Cont')).toBeVisible()
  await page.getByLabel('Cont', { exact: true }).fill('4111')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/account=4111/)
  await expect(page.getByRole('grid')).toBeVisible()
})

test('on paper every row is there, under headings that say whose it is', async ({ page }) => {
  const answer = await openReport(page, 'facturi', 'invoices')
  await page.emulateMedia({ media: 'print' })
  const paper = page.locator('.print-table')
  await expect(paper).toBeVisible()
  await expect(paper.locator('tbody').first().locator('tr')).toHaveCount(Math.min(answer.totalRows, 2_000))
  await expect(paper.locator('thead')).toContainText('CUI')
  await expect(page.getByRole('grid')).toBeHidden()
  await expect(page.getByRole('navigation')).toBeHidden()
})

test('a report too large for one answer is read a window at a time', async ({ page }) => {
  const rows = 60_000
  const asked: number[] = []
  const sample = await openReport(page, 'jurnal', 'journal')
  const made = (i: number) => sample.columns.map((name) => ({ postedOn: '2026-10-05', debit: `${i}.25`, credit: '0.00', line: i })[name] ?? `${name} ${i}`)
  await page.route('**/api/reports/journal?*', (route) => {
    const query = new URL(route.request().url()).searchParams
    const [number, size] = [Number(query.get('page')), Number(query.get('pageSize'))]
    if (size === 1_000) asked.push(number)
    const first = (number - 1) * size
    const part = Array.from({ length: Math.min(size, 1_000, rows - first) }, (_, i) => made(first + i))
    return route.fulfill({ json: { ...sample, rows: part, totalRows: rows, page: number, pageSize: size } })
  })
  await page.reload()
  const grid = page.getByRole('grid')
  await expect(grid).toHaveAttribute('aria-rowcount', String(rows + 2))
  await grid.focus()
  await page.keyboard.press('Control+End')
  await expect(page.getByRole('gridcell', { name: `cont ${rows - 1}`, exact: true })).toBeVisible()
  expect(asked).toContain(60)
  expect(asked.length).toBeLessThan(10)
  await page.getByRole('columnheader', { name: 'Debit' }).click()
  await expect.poll(() => asked.filter((number) => number === 1).length).toBeGreaterThan(1)
})

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true })

  test('a row shows one figure, and all of it when it is tapped', async ({ page }) => {
    await openReport(page, 'facturi', 'invoices')
    const card = page.locator('.card').first()
    await card.click()
    const sheet = page.getByRole('dialog')
    await expect(sheet.locator('[data-column="vat"]')).toBeVisible()
    await sheet.locator('[data-column="number"] a').click()
    await expect(page).toHaveURL(/\/jurnal\?.*document=/)
  })

  test('a report of figures alone tells its rows apart by the first of them', async ({ page }) => {
    const answer = await openReport(page, 'incasari', 'receipts')
    const card = page.locator('.card').first()
    await expect(card.locator('.lead')).toHaveText(String(answer.rows[0]![0]))
    await expect(card.locator('[data-column="payments"]')).toBeVisible()
    await expect(page.locator('[data-footer="total"] [data-column="payments"]')).toHaveText(shownAmount(String(answer.totals.payments)))
  })

  test('the filters are folded and the other pages are one tap away', async ({ page }) => {
    await openReport(page, 'facturi', 'invoices')
    await expect(page.getByRole('radio', { name: 'Emise' })).toBeHidden()
    await page.getByTestId('fold').click()
    await page.getByRole('radio', { name: 'Emise' }).check()
    await expect(page).toHaveURL(/direction=issued/)
    await page.getByRole('button', { name: 'Mai mult' }).click()
    await page.getByRole('dialog').getByRole('link', { name: 'Jurnal' }).click()
    await expect(page).toHaveURL(/\/jurnal/)
    await expect(page.getByRole('dialog')).toBeHidden()
  })
})

/** How many documents of the journal have several lines, which stand under a heading. */
function documents({ report, columns, rows }: ReportAnswer): number {
  if (report !== 'journal') return 0
  const names = rows.map((row) => row[columns.indexOf('document')])
  return names.filter((name, i) => name !== names[i - 1] && name === names[i + 1]).length
}

async function choose(page: Page, kind: string, key: string): Promise<void> {
  await page.getByTestId('period-picker').click()
  const panel = page.getByRole('dialog')
  await panel.getByRole('radio', { name: kind }).check()
  await panel.locator(`[data-period="${key}"]`).click()
  // Keys belong to the page again.
  await expect(page.getByRole('dialog')).toBeHidden()
}

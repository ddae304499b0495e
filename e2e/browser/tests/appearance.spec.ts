// Every page in both themes and languages, on a desk and on a phone: no console error, no CSP violation
// (the guard), no accessibility violation (axe), and a picture when asked for. Of the eight ways to combine
// theme, language and size, four have every two of them together.
import type { Page } from '@playwright/test'
import { appear, checkAccessibility, expect, expectStart, openBalance, picture, readBalance, settle, shownAmount, test, type Appearance } from './support'

/** What lies behind it has been looked at just before. */
const DIALOG = '[role="dialog"]'
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }
const APPEARANCES: (Appearance & { size: keyof typeof SIZES })[] = [
  { size: 'desk', theme: 'light', locale: 'ro' },
  { size: 'desk', theme: 'dark', locale: 'en' },
  { size: 'phone', theme: 'light', locale: 'en' },
  { size: 'phone', theme: 'dark', locale: 'ro' },
]

for (const { size, ...appearance } of APPEARANCES) {
  const viewport = SIZES[size]
  const name = `${size}-${appearance.theme}-${appearance.locale}`

  test.describe(name, () => {
    test.use({ viewport, hasTouch: size === 'phone' })
    test.beforeEach(async ({ page }) => appear(page, appearance))

    test(`the balance is in order: ${name}`, async ({ page }) => {
      await openBalance(page)
      await expect(page.locator('html')).toHaveAttribute('data-theme', appearance.theme)
      await expect(page.locator('html')).toHaveAttribute('lang', appearance.locale)
      const { totals } = await readBalance(page)
      await expect(page.locator('[data-footer="total"] [data-column="soldcred"]')).toHaveText(shownAmount(totals.soldcred))
      await picture(page, `balance-${name}`)
      await checkAccessibility(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width)

      for (const picker of ['company-picker', 'period-picker']) {
        await page.getByTestId(picker).click()
        await expect(page.getByRole('dialog')).toBeVisible()
        await settle(page)
        await picture(page, `${picker}-${name}`)
        await checkAccessibility(page, DIALOG)
        await page.keyboard.press('Escape')
        await expect(page.getByRole('dialog')).toBeHidden()
      }
    })

    test(`the dashboard is in order: ${name}`, async ({ page }) => {
      await page.goto('')
      await expectStart(page)
      await expect(page.locator('[data-chart] canvas')).toHaveCount(3)
      await inOrder(page, `dashboard-${name}`, viewport.width)
      await page.locator('[data-chart="ageing"]').scrollIntoViewIfNeeded()
      await picture(page, `dashboard-charts-${name}`)
    })

    test(`reports and treasury are in order: ${name}`, async ({ page }) => {
      for (const path of ['facturi', 'scadentar/clienti', 'fisa-cont', 'trezorerie']) {
        await page.goto(path)
        await expect(page.locator('main h1')).toBeVisible()
        await expect(path === 'trezorerie' ? page.getByTestId('treasury') : page.locator('[role="search"]')).toBeVisible()
        if (path === 'facturi' || path === 'scadentar/clienti') await expect(page.getByTestId('row-count')).toBeVisible()
        await inOrder(page, `${path.replace('/', '-')}-${name}`, viewport.width)
      }
      if (size === 'desk') return
      await page.getByRole('button', { name: appearance.locale === 'ro' ? 'Mai mult' : 'More' }).click()
      await expect(page.getByRole('dialog')).toBeVisible()
      await inOrder(page, `more-${name}`, viewport.width, DIALOG)
    })

    test(`menu, password dialog and Telegram are in order: ${name}`, async ({ page }) => {
      await page.goto('telegram')
      await page.getByRole('button', { name: appearance.locale === 'ro' ? 'Generează un cod' : 'Create a code' }).click()
      await expect(page.getByTestId('telegram-code')).toBeVisible()
      await picture(page, `telegram-${name}`)
      await checkAccessibility(page)

      await page.getByRole('button', { name: appearance.locale === 'ro' ? /Contul meu/ : /My account/ }).click()
      await expect(page.getByRole('dialog')).toBeVisible()
      await settle(page)
      await picture(page, `menu-${name}`)
      await checkAccessibility(page, DIALOG)
      await page.getByRole('button', { name: appearance.locale === 'ro' ? 'Schimbă parola' : 'Change password' }).click()
      await expect(page.getByRole('dialog').locator('input[autocomplete="new-password"]')).toHaveCount(2)
      await settle(page)
      await picture(page, `password-${name}`)
      await checkAccessibility(page, DIALOG)
    })

    test(`the sessions page is in order: ${name}`, async ({ page }) => {
      await page.goto('sesiuni')
      await expect(page.locator('[data-session]').first()).toBeVisible()
      await picture(page, `sessions-${name}`)
      await checkAccessibility(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width)
    })

    test(`the administration is in order: ${name}`, async ({ page }) => {
      for (const part of ['utilizatori', 'roluri', 'organizatii', 'jurnal']) {
        await page.goto(`administrare/${part}`)
        await expect(page.locator('main h1')).toBeVisible()
        const first = page.locator('[data-id], [data-entry] summary').first()
        if (part !== 'organizatii') await expect(first).toBeVisible()
        await settle(page)
        await picture(page, `${part}-${name}`)
        await checkAccessibility(page)
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width)
        if (!(await first.count())) continue
        await first.click()
        await expect(page.locator('[role="dialog"], [data-entry][open] table').first()).toBeVisible()
        await settle(page)
        await picture(page, `${part}-dialog-${name}`)
        await checkAccessibility(page, `${DIALOG}, [data-entry][open]`)
      }
    })

    test(`the cache console is in order: ${name}`, async ({ page }) => {
      await page.goto('administrare/cache')
      await expect(page.locator('main h1')).toBeVisible()
      await inOrder(page, `cache-${name}`, viewport.width)
    })

    test.describe('signed out', () => {
      test.use({ storageState: { cookies: [], origins: [] } })

      test(`the sign-in page is in order: ${name}`, async ({ page }) => {
        await page.goto('')
        await expect(page.locator('button[type="submit"]')).toBeVisible()
        await picture(page, `sign-in-${name}`)
        await checkAccessibility(page)
      })

      test(`the page for a new password is in order: ${name}`, async ({ page }) => {
        await page.goto('password-reset')
        await expect(page.locator('button[type="submit"]')).toBeVisible()
        await inOrder(page, `password-reset-${name}`, viewport.width)
      })
    })
  })
}

test('on a phone, the three pairs are one tap away', async ({ page }) => {
  await page.setViewportSize(SIZES.phone)
  await openBalance(page)
  const { totals } = await readBalance(page)
  for (const [label, key] of [['Precedent', 'precdeb'], ['Rulaj', 'ruldeb'], ['Sold', 'solddeb']] as const) {
    await page.getByRole('radio', { name: label }).check()
    await expect(page.locator(`[data-footer="total"] [data-column="${key}"]`)).toHaveText(shownAmount(totals[key]))
  }
})

test('the system theme is followed while it changes', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' })
  await openBalance(page)
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light')
})

async function inOrder(page: Page, name: string, width: number, within?: string): Promise<void> {
  await settle(page)
  await picture(page, name)
  await checkAccessibility(page, within)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
}

// Where one is signed in, and ending that. Only sessions made here are ended: the others are shared.
import type { APIRequestContext, Page } from '@playwright/test'
import { expect, expectStart, fillSignIn, PASSWORD, readApi, test, USER } from './support'

interface OwnSessions {
  sessions: { id: string; isCurrent: boolean }[]
}

/** The same user on another device. */
class Device {
  private constructor(
    private readonly requests: APIRequestContext,
    private readonly base: string,
  ) {}

  static async signIn(page: Page, requests: APIRequestContext): Promise<Device> {
    const device = new Device(requests, await page.evaluate(() => document.baseURI))
    const answer = await requests.post(device.address('api/auth/login'), { data: { username: USER, password: PASSWORD } })
    expect(answer.status()).toBe(200)
    return device
  }

  address(path: string): string {
    return new URL(path, this.base).href
  }

  async status(): Promise<number> {
    return (await this.requests.get(this.address('api/auth/me'))).status()
  }

  async session(): Promise<string> {
    return current((await (await this.requests.get(this.address('api/auth/sessions'))).json()) as OwnSessions)
  }

  async end(id: string): Promise<void> {
    const { cookies } = await this.requests.storageState()
    const csrf = cookies.find(({ name }) => name === 'csrf_token')!.value
    const headers = { 'x-csrf-token': csrf }
    const answer = await this.requests.delete(this.address(`api/auth/sessions/${id}`), { headers })
    expect(answer.status()).toBe(204)
  }
}

function current({ sessions }: OwnSessions): string {
  return sessions.find(({ isCurrent }) => isCurrent)!.id
}

test('a session on another device is seen and ended, and is refused from then on', async ({ page, playwright }) => {
  const requests = await playwright.request.newContext({ ignoreHTTPSErrors: true })
  await page.goto('balanta')
  const device = await Device.signIn(page, requests)
  expect(await device.status()).toBe(200)
  const id = await device.session()

  await page.goto('sesiuni')
  await expect(page.getByText('sesiunea aceasta')).toHaveCount(1)
  await expect(page.getByText(/folosită ultima dată/).first()).toBeVisible()
  const row = page.locator(`[data-session="${id}"]`)
  await row.getByRole('button', { name: /^Închide/ }).click()
  await expect(page.getByText('Sesiunea a fost închisă.')).toBeVisible()
  await expect(row).toBeHidden()
  expect(await device.status()).toBe(401)
  await requests.dispose()
})

test.describe('a page', () => {
  test.use({ storageState: { cookies: [], origins: [] } })

  test('whose session is ended from another device asks to sign in again', async ({ page, playwright }) => {
    const requests = await playwright.request.newContext({ ignoreHTTPSErrors: true })
    await page.goto('')
    await fillSignIn(page, USER, PASSWORD)
    await expectStart(page)
    await page.getByRole('button', { name: /Contul meu/ }).click()
    await page.getByRole('dialog').getByRole('link', { name: 'Sesiunile mele' }).click()
    await expect(page.getByText('sesiunea aceasta')).toBeVisible()
    const device = await Device.signIn(page, requests)
    await device.end(current(await readApi<OwnSessions>(page, 'api/auth/sessions')))

    await page.getByRole('navigation').getByRole('link', { name: 'Telegram' }).click()
    await expect(page).toHaveURL(/\/login\?next=/)
    await expect(page.getByText('Sesiunea a expirat.', { exact: false })).toBeVisible()
    await requests.dispose()
  })
})

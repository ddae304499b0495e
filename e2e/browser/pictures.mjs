// Writes the pictures of the documentation, `docs/pictures/*.webp`: the demo's sample books in Chromium.
//   npm --prefix e2e/browser run pictures      (needs a built services/web/dist)
// Each is at most 150 KB. REPORTAPP_API names a built binary; without it cargo builds and runs one.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FOLDER = `${ROOT}docs/pictures/`
const MOST_BYTES = 150 * 1024
const QUALITY = 82
const DESK = { viewport: { width: 1440, height: 880 }, deviceScaleFactor: 1.25 }
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5, hasTouch: true }

const PICTURES = [
  { name: 'dashboard', path: '', stands: '[data-chart="result"] canvas' },
  { name: 'invoices', path: 'facturi?direction=issued&sort=-rest' },
  { name: 'ageing', path: 'scadentar/clienti?bound1=15' },
  { name: 'trial-balance', path: 'balanta' },
  { name: 'treasury', path: 'trezorerie', stands: '[data-testid="treasury"]' },
  { name: 'dark', path: 'jurnal', theme: 'dark' },
  { name: 'palette', path: 'solduri/clienti', then: (page) => askPalette(page, 'bal') },
  { name: 'phone', path: 'facturi', device: PHONE },
]

/** Names of pictures; all of them where none is given. */
const asked = process.argv.slice(2)
const [demo, login] = await startDemo()
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] })
try {
  mkdirSync(FOLDER, { recursive: true })
  for (const picture of PICTURES) if (asked.length === 0 || asked.includes(picture.name)) await take(picture)
} finally {
  await browser.close()
  demo.kill()
}

/** The process, and what it says about itself once it answers. */
async function startDemo() {
  const [program, ...first] = process.env.REPORTAPP_API ? [process.env.REPORTAPP_API] : ['cargo', 'run', '-p', 'reportapp-api', '--']
  const given = ['--demo', '--web-root', 'services/web/dist', '--demo-listen', '127.0.0.1:0']
  const child = spawn(program, [...first, ...given], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  const said = {}
  for await (const line of createInterface({ input: child.stdout })) {
    const [, word, value] = /^\s+(open|user|password)\s+(\S+)$/.exec(line) ?? []
    if (word) said[word] = value
    if (said.open && said.user && said.password) return [child, said]
  }
  throw new Error('the demo ended before it said where it is')
}

async function take({ name, path, theme = 'light', device = DESK, stands = '[data-testid="row-count"]', then }) {
  const context = await browser.newContext({ ...device, baseURL: login.open, locale: 'en-GB', timezoneId: 'Europe/Bucharest' })
  const page = await context.newPage()
  await page.goto('login')
  await page.evaluate((chosen) => localStorage.setItem(`reportapp:${new URL(document.baseURI).pathname}:preferences`, JSON.stringify(chosen)), { theme, locale: 'en' })
  await page.reload()
  await page.locator('input[name="username"]').fill(login.user)
  await page.locator('input[autocomplete="current-password"]').fill(login.password)
  await page.locator('button[type="submit"]').click()
  await page.getByTestId('dashboard').waitFor()
  await page.goto(path)
  await page.locator(stands).waitFor()
  await page.locator('[data-testid="row-count"], [data-testid="dashboard"], [data-testid="treasury"]').filter({ hasText: /\d/ }).first().waitFor()
  await then?.(page)
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))))
  const tools = await context.newCDPSession(page)
  const { data } = await tools.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY })
  const bytes = Buffer.from(data, 'base64')
  console.log(`${name}.webp ${(bytes.length / 1024).toFixed(0)} KB`)
  if (bytes.length > MOST_BYTES) throw new Error(`${name}.webp is larger than ${MOST_BYTES / 1024} KB; lower QUALITY`)
  writeFileSync(`${FOLDER}${name}.webp`, bytes)
  await context.close()
}

async function askPalette(page, query) {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill(query)
}

// Browser tests of the web UI with the system's Chromium. They run against any reportapp-api:
//   BASE_URL=https://host/prefix/ APP_USER=… APP_PASSWORD=… npm test
// or, with no API at all, against the small imitation in `fixtures/`:
//   npm run test:mock        (needs a built services/web/dist)
// SCREENSHOTS=<folder> keeps a picture of every page, theme, language and size.
import { execFileSync } from 'node:child_process'
import { defineConfig } from '@playwright/test'

const MOCK_PREFIX = '/erp/app/'
const MOCK_USER = 'ana'
const MOCK_PASSWORD = 'corect-cal-baterie'
export const AUTH_STATE = 'test-results/.auth/state.json'

const mock = process.env.MOCK_API === '1'
if (mock) {
  // Workers load this file too and inherit the port that the first one chose.
  process.env.MOCK_PORT ??= freePort()
  process.env.BASE_URL = `http://127.0.0.1:${process.env.MOCK_PORT}${MOCK_PREFIX}`
  process.env.APP_USER = MOCK_USER
  process.env.APP_PASSWORD = MOCK_PASSWORD
}
for (const name of ['BASE_URL', 'APP_USER', 'APP_PASSWORD']) {
  if (!process.env[name]) throw new Error(`${name} is not set; see the head of playwright.config.ts`)
}

function freePort(): string {
  const script =
    "const s=require('node:net').createServer().listen(0,'127.0.0.1',()=>{process.stdout.write(String(s.address().port));s.close()})"
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })
}

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results/output',
  reporter: [['list']],
  workers: 1,
  timeout: 45_000,
  expect: { timeout: 10_000 },
  // What fails everywhere says so soon enough: the machine has other tests to run.
  maxFailures: 10,
  forbidOnly: true,
  use: {
    baseURL: process.env.BASE_URL!.replace(/\/*$/, '/'),
    ignoreHTTPSErrors: true,
    locale: 'ro-RO',
    timezoneId: 'Europe/Bucharest',
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'sign-in', testMatch: 'session.setup.ts' },
    { name: 'browser', testMatch: '*.spec.ts', dependencies: ['sign-in'], use: { storageState: AUTH_STATE } },
  ],
  ...(mock
    ? {
        webServer: {
          command: 'node fixtures/serve.mjs',
          url: process.env.BASE_URL,
          env: {
            MOCK_PORT: process.env.MOCK_PORT!,
            MOCK_PREFIX,
            MOCK_USER,
            MOCK_PASSWORD,
          },
        },
      }
    : {}),
})

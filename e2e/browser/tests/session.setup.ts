// Signs in once; the other tests begin with this session.
import { AUTH_STATE } from '../playwright.config'
import { expectStart, fillSignIn, PASSWORD, test as setup, USER } from './support'

setup('somebody signs in', async ({ page }) => {
  await page.goto('')
  await fillSignIn(page, USER, PASSWORD)
  await expectStart(page)
  await page.context().storageState({ path: AUTH_STATE })
})

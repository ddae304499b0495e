// Signs in once; the other tests begin with this session.
import { AUTH_STATE } from '../playwright.config'
import { expect, fillSignIn, PASSWORD, test as setup, USER } from './support'

setup('somebody signs in', async ({ page }) => {
  await page.goto('')
  await fillSignIn(page, USER, PASSWORD)
  // The address of the sign-in page may name the balance as well: only its figures prove a session.
  await expect(page.getByTestId('balance-chip')).toBeVisible()
  await page.context().storageState({ path: AUTH_STATE })
})

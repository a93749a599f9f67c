/** Coming in and going out: by key, by link, in several tabs, and what is left behind in a tab that others use too. */
import { expect, KEY, signIn, test } from './people'
import { call } from './tuned'

const nav = 'header nav'

test('a sign-in link that is pasted over the open page is looked at, and its failure is said once', async ({
  page,
}) => {
  await page.goto('/console/login')
  await page.getByLabel('API key').waitFor()
  await page.goto('/console/login#code=a-code-that-was-used')
  await expect(page.getByRole('alert')).toContainText('This sign-in link has been used')
  expect(new URL(page.url()).hash).toBe('')
  await page.getByLabel('API key').fill(KEY)
  await page.keyboard.press('Enter')
  await expect(page.locator(nav)).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('API key').waitFor()
  await expect(page.getByRole('alert')).toHaveCount(0)

  // a key as a table shows it goes nowhere, and that is not the server's fault
  await page.getByLabel('API key').fill('sk-abc…wxyz')
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('API key')).toHaveAccessibleDescription(/paste the whole key/)
  await expect(page.getByText('The server does not answer.')).toHaveCount(0)
})

test('one sign-in is enough for all tabs that wait, and a key that ends takes no other tab with it', async ({
  page,
  context,
  baseURL,
}) => {
  const beside = await context.newPage()
  await beside.goto('/console/settings')
  await beside.getByLabel('API key').waitFor()
  await signIn(page)
  await expect(beside.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()

  // another tab gets a key of its own, which is revoked
  const headers = { 'content-type': 'application/json' }
  const { id, value } = await call<{ id: string; value: string }>(
    baseURL as string,
    '/organization/admin_api_keys',
    { method: 'POST', headers, body: JSON.stringify({ name: `short ${Date.now()}` }) },
  )
  await beside.evaluate((key) => sessionStorage.setItem('tunesmith.key', key), value)
  await beside.reload()
  await expect(beside.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()
  await beside.getByRole('link', { name: 'Playground' }).click()
  await beside.getByRole('textbox', { name: 'Message' }).fill('Half a sentence')
  await beside.getByRole('link', { name: 'Overview' }).click() // which looks again and again
  await expect(beside.getByRole('heading', { name: /Overview|Your own model/, level: 1 })).toBeVisible()
  await call(baseURL as string, `/organization/admin_api_keys/${id}`, { method: 'DELETE' })
  await expect(beside.getByLabel('API key')).toBeVisible()
  // what was typed waits for another key of the same project
  await beside.getByLabel('API key').fill(KEY)
  await beside.keyboard.press('Enter')
  await beside.getByRole('link', { name: 'Playground' }).click()
  await expect(beside.getByRole('textbox', { name: 'Message' })).toHaveValue('Half a sentence')
  await page.getByRole('link', { name: 'Models' }).click()
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible()
})

test('a remembered key that is no longer to be remembered stays in the tab', async ({ page }) => {
  await page.goto('/console/settings')
  await page.getByLabel('API key').fill(KEY)
  await page.getByLabel('Remember on this device').check()
  await page.keyboard.press('Enter')
  await expect(page.locator(nav)).toBeVisible()
  await page.evaluate(() => sessionStorage.clear()) // as in a tab of the next day
  await page.reload()
  await page.getByRole('button', { name: 'Stop remembering it' }).click()
  await page.reload()
  await expect(page.getByText('Your key is kept in this tab only')).toBeVisible()
})

test('whoever signs in after somebody else finds nothing of theirs, whichever page they left from', async ({
  page,
}) => {
  await signIn(page, '/console/playground?m=nano&max=4')
  await page.getByRole('textbox', { name: 'System prompt' }).fill('A secret.')
  await page.getByRole('textbox', { name: 'Message' }).fill('Another secret')
  await page.waitForTimeout(700)
  // a fresh start on a page that knows nothing of the playground
  await page.goto('/console/settings')
  await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('API key').waitFor()
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('secret')
  await page.getByLabel('API key').fill(KEY)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Playground' }).click()
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('')
  await expect(page.getByRole('textbox', { name: 'System prompt' })).toHaveValue('')
})

/** Whoever runs the server hands out keys; who holds one sees their own project and nothing else. */
import { expect, signIn, test } from './people'

test('a project gets a key, which is shown once, sees nothing of others, and ends when it is revoked', async ({
  page,
  browser,
}) => {
  const project = `airport ${Date.now()}`
  await signIn(page, '/console/keys')
  await page.getByRole('button', { name: 'New project' }).click()
  await page.getByLabel('Name of the project').fill(project)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('combobox', { name: 'Project' })).toContainText(project)
  await page.getByRole('button', { name: 'New key' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('desk 4')
  await page.getByLabel('Ends').selectOption('In 7 days')
  await page.keyboard.press('Tab')
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
  const secret = (await page.getByRole('dialog').locator('code').first().textContent()) ?? ''
  expect(secret).toMatch(/^sk-/)
  await expect(page.getByRole('dialog').locator('pre')).toContainText(`export OPENAI_API_KEY=${secret}`)
  await page.getByRole('button', { name: 'I have copied it' }).click()
  await expect(page.getByText(secret)).toHaveCount(0)
  const row = page.getByRole('row', { name: /desk 4/ })
  await expect(row).toContainText(secret.slice(-4))
  expect(page.url()).not.toContain(secret)

  // the other person, in a browser of their own
  const context = await browser.newContext()
  const other = await context.newPage()
  await other.goto(page.url().replace(/\/keys.*/, ''))
  await other.getByLabel('API key').fill(secret)
  await other.getByRole('button', { name: 'Sign in' }).click()
  await other.getByRole('link', { name: 'Datasets' }).click()
  await expect(other.getByRole('heading', { name: 'No files yet' })).toBeVisible()
  await other.getByRole('link', { name: 'API keys' }).click()
  await expect(
    other.getByRole('heading', { name: 'Keys and projects are managed with an admin key.' }),
  ).toBeVisible()
  await other.getByRole('link', { name: 'Usage' }).click()
  await expect(other.getByRole('heading', { name: 'Usage is for admin keys.' })).toBeVisible()

  await row.getByRole('button', { name: 'Revoke desk 4' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await expect(row).toHaveCount(0)
  await other.getByRole('link', { name: 'Fine-tuning' }).click()
  await expect(other.getByLabel('API key')).toBeVisible()
  await context.close()
})

test('usage counts what was asked, as bars, as a table and as CSV', async ({ page }) => {
  await signIn(page, '/console/playground?m=nano&max=8')
  await page.getByRole('textbox', { name: 'Message' }).fill('Hello')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article').getByText(/\d tokens \(/)).toBeVisible()
  await page.getByRole('link', { name: 'Usage' }).click()
  await page.getByRole('group', { name: 'Tokens by day' }).focus()
  await page.keyboard.press('End')
  await expect(page.getByRole('table', { name: 'Totals' }).getByRole('row', { name: /^nano / })).toBeVisible()
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download as CSV' }).click(),
  ])
  const csv = Buffer.concat(await (await saved.createReadStream()).toArray()).toString()
  expect(csv).toMatch(/^day,model,total_tokens,/)
  expect(csv).toMatch(/,nano,\d+/)
})

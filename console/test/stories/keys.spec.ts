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
  // neither a key pressed by habit nor a stray click takes it away
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.mouse.click(4, 4)
  await expect(page.getByText('Once this is closed, nobody can see the key again.')).toBeVisible()
  await expect(page.getByText(secret, { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'I have copied it' }).click()
  await expect(page.getByText(secret)).toHaveCount(0)
  const row = page.getByRole('row', { name: /desk 4/ })
  await expect(row).toContainText(secret.slice(-4))
  // the key's name, and the service account that it belongs to
  await expect(row.getByRole('cell', { name: 'desk 4', exact: true })).toHaveCount(2)
  expect(page.url()).not.toContain(secret)
  const archived = page.getByRole('checkbox', { name: 'Archived projects too' })
  await archived.check()
  await expect(row).toBeVisible()
  await expect(archived).toBeFocused()
  await page.getByRole('button', { name: 'View code' }).click()
  await expect(page.getByRole('dialog')).toContainText('/api_keys')
  await page.keyboard.press('Escape')

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
  await expect(page.getByRole('heading', { name: project, exact: true })).toBeFocused() // its row is gone
  await other.getByRole('link', { name: 'Fine-tuning' }).click()
  await expect(other.getByLabel('API key')).toBeVisible()
  await context.close()
})

test('what is under way is waited for, and a project that has ended is there after a reload', async ({
  page,
}) => {
  // two spaces, and an accent that is a character of its own
  const project = `café  desk ${Date.now()}`.normalize('NFD')
  await signIn(page, '/console/keys')
  await page.getByRole('button', { name: 'New project' }).click()
  await page.getByLabel('Name of the project').fill(project)
  await page.keyboard.press('Enter')
  const chosen = page.getByRole('combobox', { name: 'Project' })
  await expect(chosen.locator('option:checked')).toHaveText(/^cafe\u0301 {1,2}desk/)
  const dialog = page.getByRole('dialog')
  const under = async (path: RegExp, press: () => Promise<void>) => {
    let release = () => {}
    const released = new Promise<void>((done) => {
      release = done
    })
    await page.route(path, async (route) => {
      if (route.request().method() === 'POST') await released
      await route.continue()
    })
    await press()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toHaveAccessibleDescription(/under way/)
    await dialog.getByRole('button', { name: 'Cancel' }).click({ force: true })
    await expect(dialog).toBeVisible()
    release()
  }

  await page.getByRole('button', { name: 'New key' }).click()
  await dialog.getByRole('textbox', { name: 'Name' }).fill('slow')
  await under(/\/api_keys$/, () => dialog.getByRole('button', { name: 'Create' }).click())
  await expect(dialog.locator('code').first()).toHaveText(/^sk-/)
  await page.getByRole('button', { name: 'I have copied it' }).click()

  await page.getByRole('checkbox', { name: 'Archived projects too' }).check()
  await page.getByRole('button', { name: /^More for / }).click()
  await page.getByRole('menuitem', { name: 'Archive' }).click()
  const name = dialog.locator('code')
  await expect(name).toHaveCSS('white-space', 'pre-wrap')
  const shown = (await name.textContent()) ?? ''
  expect(shown).toBe(project)
  await dialog.getByLabel('Type the name to confirm').fill(shown.normalize('NFC'))
  await under(/\/archive$/, () => dialog.getByRole('button', { name: 'Archive' }).click())
  await expect(dialog).toHaveCount(0)
  await expect(chosen.locator('option:checked')).toContainText('(archived)')
  await page.reload()
  await expect(page.getByRole('checkbox', { name: 'Archived projects too' })).toBeChecked()
  await expect(chosen.locator('option:checked')).toContainText('(archived)')
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
  // fewer days than the one that was pointed at
  await page.getByText('7 days', { exact: true }).click()
  await expect(page.getByRole('group', { name: 'Tokens by day' })).toBeVisible()
  await page.getByText('30 days', { exact: true }).click()

  // a day typed digit by digit
  const day = new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10)
  const [year, month, date] = day.split('-')
  await page.getByLabel('From', { exact: true }).focus()
  await page.keyboard.type(`${month}${date}${year}`)
  await expect(page.getByLabel('From', { exact: true })).toHaveValue(day)
  await page.keyboard.press('Tab')
  await expect(page).toHaveURL(new RegExp(`from=${day}`))

  await page.getByLabel('Bars show').selectOption('Requests')
  await expect(page.getByRole('group', { name: 'Requests by day' })).toBeVisible()
  await page.getByRole('button', { name: 'View code' }).click()
  await expect(page.getByRole('dialog')).toContainText('/organization/usage/completions')
  await page.keyboard.press('Escape')
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download as CSV' }).click(),
  ])
  const csv = Buffer.concat(await (await saved.createReadStream()).toArray()).toString()
  expect(csv).toMatch(/^day,model,total_tokens,/)
  expect(csv).toMatch(/,nano,\d+/)

  await page.getByText('Costs', { exact: true }).click()
  await expect(page.getByText('No prices are set', { exact: false })).toBeVisible()
  await page.getByText('Training', { exact: true }).click()
  await page.getByText('Job', { exact: true }).click()
  await expect(page).toHaveURL(/by=fine_tuning_job_id/)
})

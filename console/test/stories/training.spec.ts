/** Somebody uploads the sample, watches the curve grow, pauses, comes back, and cancels. */
import { expect, KEY, sample, signIn, TRAINS_MS, test } from './people'

test('a wrong key is refused, a right one leads to the page that was wanted, and it is in no URL', async ({
  page,
}) => {
  await page.goto('/console/settings')
  await page.getByLabel('API key').fill('sk-wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('does not accept this key')
  await page.getByLabel('API key').fill(KEY)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()
  expect(page.url()).not.toContain(KEY)
  await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('a job is made from files, its curve grows, it pauses, goes on and is cancelled', async ({
  page,
  context,
}) => {
  await signIn(page, '/console/jobs')
  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await dialog.getByRole('button', { name: 'Create' }).click()
  await expect(dialog.getByText('Choose or upload a training file.')).toBeVisible()
  await dialog.getByLabel(/^Training data: choose/).setInputFiles(sample('marv/train.jsonl'))
  await expect(dialog.getByText('40 rows')).toBeVisible()
  await dialog.getByLabel(/^Validation data: choose/).setInputFiles(sample('marv/valid.jsonl'))
  await expect(dialog.getByText('20 rows')).toBeVisible()
  await dialog.getByLabel('Suffix').fill('story')
  await dialog.getByLabel('Epochs: Value').fill('50')
  await dialog.getByRole('button', { name: 'Show request' }).click()
  await dialog.getByText('JSON', { exact: true }).click()
  await expect(dialog.locator('pre')).toContainText('"n_epochs": 50')
  await dialog.getByRole('button', { name: 'Create' }).press('Control+Enter')

  await expect(page.getByRole('heading', { name: 'story', level: 1 })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Resume' })).toHaveAttribute('aria-disabled', 'true')
  const main = page.getByRole('main')
  await expect(main.getByText(/^Step \d+ of 500$/)).toBeVisible({ timeout: TRAINS_MS })
  const steps = async () =>
    Number(/\d+/.exec((await main.getByText(/^Step \d+ of 500$/).textContent()) ?? '')?.[0])
  const first = await steps()
  await expect(async () => expect(await steps()).toBeGreaterThan(first)).toPass()
  await expect(page.getByRole('group', { name: 'Loss', exact: true }).locator('canvas')).toBeVisible()
  await expect(page).toHaveTitle(/^\d+% · story/)

  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(main.getByText(/^Paused at step \d+/)).toBeVisible({ timeout: TRAINS_MS })
  await expect(page.getByRole('button', { name: 'Pause' })).toHaveAttribute('aria-disabled', 'true')
  await page.getByRole('button', { name: 'Pause' }).hover()
  await expect(page.getByRole('tooltip', { name: /^Already paused at step \d+/ })).toBeVisible()

  // closed and opened again, in a tab that asks its sibling for the key: nothing is lost
  const again = await context.newPage()
  await again.goto(page.url())
  await page.close()
  await expect(again.getByText(/^Paused at step \d+/)).toBeVisible()
  await expect(again.getByRole('group', { name: 'Loss', exact: true }).locator('canvas')).toBeVisible()
  await again.getByRole('button', { name: 'Table', exact: true }).click()
  await expect(again.getByRole('table').getByRole('row').nth(1)).toContainText('1')
  await again.getByRole('button', { name: 'Resume' }).click()
  await expect(again.getByText(/^Resumed$/)).toBeVisible({ timeout: TRAINS_MS })

  await again.getByRole('button', { name: 'Cancel' }).click()
  await again.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click()
  await expect(again.getByRole('button', { name: 'Cancel' })).toHaveAttribute('aria-disabled', 'true')
  await expect(again.getByRole('main').getByText('Cancelled').first()).toBeVisible()
  await again.getByRole('tab', { name: 'Events' }).click()
  await expect(again.getByText('Fine-tuning job cancelled')).toBeVisible()
})

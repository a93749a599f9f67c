/** Somebody looks at a model: where it comes from, what was made on the way, and how to get rid of it. */
import { expect, signIn, test } from './people'
import { createdJob, endedJob, tunedModel } from './tuned'

test('the page of a model shows its family, leads to its relatives, and asks before it deletes', async ({
  page,
  baseURL,
}) => {
  const model = await tunedModel(baseURL as string)
  const name = model.split(':')[3] as string
  await signIn(page, '/console/models')
  const row = page.getByRole('row').filter({ hasText: model })
  await row.getByRole('link', { name, exact: true }).click()
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
  const about = page.getByRole('region', { name: `About ${model}` })
  await expect(about).toContainText('2,048 tokens')
  await expect(about).toContainText(/Loaded: it answers at once|Not loaded: its next request loads it/)

  // the family: the base, the job, its checkpoints, and this one marked
  const tree = page.getByRole('list').filter({ hasText: 'this model' }).first()
  await expect(tree.locator('[aria-current]')).toContainText(model)
  await expect(tree).toContainText('nano')
  const checkpoint = tree
    .getByRole('listitem')
    .filter({ hasText: /^Checkpoint, step/ })
    .first()
  await checkpoint.getByRole('link').first().click()
  await expect(page.getByText('Checkpoint', { exact: true }).first()).toBeVisible()
  const here = page.locator('[aria-current=true] code')
  await expect(here).toHaveText(/^ft:/)
  await expect(here).not.toHaveText(model)
  await page.getByRole('link', { name: 'Compare with final' }).click()
  await expect(page).toHaveURL(/playground\?m=.+&m=.+/)
  await page.goBack()
  await page.goBack()

  // deleting wants the name, and can be left by keyboard
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
  await page.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Delete' })).toHaveAttribute('aria-disabled', 'true')
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)

  // its job is one step away; a name that nobody has is a sentence
  await page.getByRole('main').getByRole('link', { name, exact: true }).first().click()
  await expect(page).toHaveURL(/\/jobs\/ftjob-/)
  await page.goto('/console/models/ft:nobody')
  await expect(page.getByRole('alert')).toContainText('There is no such model.')

  // a slip leads to the name that was meant, and is asked for once
  let asked = 0
  page.on('request', (request) => {
    if (request.url().includes('include=details')) asked++
  })
  await page.goto(`/console/models/${encodeURIComponent(`${model}x`)}`)
  const meant = page.getByRole('region', { name: 'Did you mean' })
  await expect(meant.getByRole('link').first()).toHaveText(model)
  await page.waitForTimeout(11_000)
  expect(asked).toBe(1)
  await meant.getByRole('link').first().click()
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
  await page.getByRole('link', { name: 'Compare the answers' }).click()
  await expect(page).toHaveURL(/playground\?m=ft.+&m=.+/)
})

test('the list tells size, context and state, and what was built on a model, before it is deleted', async ({
  page,
  baseURL,
}) => {
  const url = baseURL as string
  const made = async (suffix: string, base?: string) => {
    const asked = { suffix, hyperparameters: { n_epochs: 1 }, ...(base ? { model: base } : {}) }
    return (await endedJob(url, await createdJob(url, asked))).fine_tuned_model as string
  }
  const first = await made('under')
  const second = await made('above', first)
  await signIn(page, '/console/models')
  await expect(page.getByText(/parameters · context of 2,048 tokens · Loaded/).first()).toBeVisible()
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'under', exact: true }) })
  await expect(row).toContainText(/(Loaded|Not loaded) · .*[kM]B.*Never used in this project/)
  await page.getByRole('button', { name: 'More for under' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await expect(page.getByRole('dialog')).toContainText(second)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'View code' }).click()
  await expect(page.getByRole('dialog').locator('pre')).toContainText('client.models.list()')
})

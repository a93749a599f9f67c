/** The main ways through the console by keyboard alone: no pointer is touched in this file. */
import { readFileSync } from 'node:fs'
import { choose, enter, h1, press, reach, write } from './byKeys'
import { expect, sample, TRAINS_MS, test } from './people'
import { createdJob, endedJob, tunedModel, uploaded } from './tuned'

test('sign in, upload, create, watch, pause, resume, read the chart, cancel', async ({ page }) => {
  await enter(page)
  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await expect(h1(page, 'Datasets')).toBeFocused()
  await choose(page, page.getByRole('button', { name: 'Upload files' }), sample('marv/train.jsonl'))
  await press(
    page,
    page.getByRole('listitem').filter({ hasText: 'train.jsonl' }).getByRole('link', { name: 'Open' }),
  )
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible({ timeout: TRAINS_MS })
  await reach(page, page.getByRole('tab', { name: 'Report' }))
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('article', { name: 'Line 1', exact: true })).toBeVisible()
  await page.keyboard.press(']')
  await expect(page.getByRole('article', { name: 'Line 1', exact: true })).toBeFocused()
  await page.keyboard.press(']')
  await expect(page.getByRole('article', { name: 'Line 2', exact: true })).toBeFocused()

  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await expect(dialog).toBeVisible()
  await reach(page, dialog.getByRole('combobox', { name: 'Base model' }))
  await page.keyboard.type('nano')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('combobox', { name: 'Base model' })).toHaveValue('nano')
  await reach(page, dialog.getByLabel('Training data').first())
  await page.keyboard.press('ArrowDown') // the newest file
  await expect(dialog.locator('[data-field=training_file]')).not.toHaveValue('')
  await choose(
    page,
    dialog.getByRole('button', { name: 'choose one from this computer' }).last(),
    sample('marv/valid.jsonl'),
  )
  await expect(dialog.locator('[data-field=validation_file]')).not.toHaveValue('')
  await write(page, dialog.getByLabel('Suffix'), 'by-keys')
  await write(page, dialog.getByLabel('Epochs: Value'), '50')
  await page.keyboard.press('Control+Enter')
  await expect(h1(page, 'by-keys')).toBeFocused()

  const main = page.getByRole('main')
  await expect(main.getByText(/^Step \d+ of 500$/)).toBeVisible({ timeout: TRAINS_MS })
  await press(page, page.getByRole('button', { name: 'Pause' }))
  await expect(main.getByText(/^Paused at step \d+/)).toBeVisible()
  // a button that cannot act keeps the focus, and says why
  await expect(page.getByRole('button', { name: 'Pause' })).toBeFocused()
  await expect(page.getByRole('tooltip', { name: /^Already paused at step \d+/ })).toBeVisible()
  await press(page, page.getByRole('button', { name: 'Resume' }), ' ')
  await expect(main.getByText(/^Resumed$/)).toBeVisible({ timeout: TRAINS_MS })

  const loss = page.getByRole('group', { name: 'Loss', exact: true })
  await reach(page, loss)
  await page.keyboard.press('Home')
  await expect(loss.locator('xpath=..').locator('[aria-live]')).toContainText('Step 1:')
  await page.keyboard.press('ArrowRight')
  await expect(loss.locator('xpath=..').locator('[aria-live]')).toContainText('Step 2:')
  await page.keyboard.press('Shift+ArrowRight')
  await expect(loss.locator('xpath=..').locator('[aria-live]')).toContainText('Step 12:')
  await page.keyboard.press('+')
  await expect(page).toHaveURL(/r=/)
  await page.keyboard.press('0')
  await expect(page).not.toHaveURL(/r=/)
  await page.keyboard.press('l')
  await expect(page).toHaveURL(/y=log/)
  await page.keyboard.press('t')
  await expect(page.getByRole('table', { name: 'The metrics of each step' })).toBeVisible()

  await reach(page, page.getByRole('button', { name: 'Cancel' }), true)
  await page.keyboard.press('Enter')
  const sure = page.getByRole('dialog', { name: 'Cancel this job?' })
  await expect(sure).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(sure).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused()
  await page.keyboard.press('Enter')
  await press(page, sure.getByRole('button', { name: 'Cancel the job' }))
  await expect(main.getByText('Cancelled').first()).toBeVisible()
})

test('ask two models, stop, walk along the tokens, and look at the code', async ({ page, baseURL }) => {
  const tuned = await tunedModel(baseURL as string)
  await enter(page, `/console/playground?m=${encodeURIComponent(tuned)}&lp=1&max=900&t=1.5`)
  await press(page, page.getByRole('button', { name: 'Compare with its base' }))
  await write(page, page.getByRole('textbox', { name: 'Message' }), 'Tell me a very long story.')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('Please.')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article')).toHaveCount(2)
  const stop = page.getByRole('button', { name: 'Stop', exact: true })
  await expect(page.getByRole('listbox', { name: /by probability/ }).first()).toBeVisible({
    timeout: TRAINS_MS,
  })
  await page.keyboard.press('Escape')
  await expect(stop).toHaveCount(0)
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused()

  await page.getByRole('textbox', { name: 'Message' }).press('Escape')
  await reach(page, page.getByRole('listbox', { name: /by probability/ }).first(), true)
  await page.keyboard.press('ArrowRight')
  await expect(page.getByText(/Probability \d/).first()).toBeVisible()
  await page.keyboard.press('2')
  await expect(page.locator('[data-column="1"]').last()).toBeFocused()
  await reach(page, page.getByRole('button', { name: 'View code' }), true)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').locator('pre')).toContainText('client.chat.completions.create(')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'View code' })).toBeFocused()
})

test('make a key, revoke it, and delete a file by its typed name', async ({ page, baseURL }) => {
  const name = `doomed-${Date.now()}.jsonl`
  await uploaded(baseURL as string, name, readFileSync(sample('marv/train.jsonl')))
  await enter(page, '/console/keys')
  await press(page, page.getByRole('button', { name: 'New key' }).first())
  const called = `keyboard ${Date.now()}`
  await write(page, page.getByRole('dialog').getByRole('textbox', { name: 'Name' }), called)
  await reach(page, page.getByRole('dialog').getByLabel('Ends'))
  await page.keyboard.press('ArrowDown')
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Create' }))
  await expect(page.getByRole('dialog').locator('code').first()).toContainText(/^sk-/)
  await press(page, page.getByRole('button', { name: 'I have copied it' }))
  await press(page, page.getByRole('button', { name: `Revoke ${called}` }))
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Revoke' }))
  await expect(page.getByRole('row', { name: new RegExp(called) })).toHaveCount(0)

  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await expect(h1(page, 'Datasets')).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.type(name)
  await press(page, page.getByRole('link', { name }))
  await press(page, page.getByRole('button', { name: 'Delete' }))
  await page.keyboard.type(name) // the field has the focus
  await page.keyboard.press('Enter')
  await expect(h1(page, 'Datasets')).toBeVisible()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test('in a list arrows lead from row to row, Space ticks, and Enter opens', async ({ page, baseURL }) => {
  for (const suffix of ['row-a', 'row-b'])
    await endedJob(
      baseURL as string,
      await createdJob(baseURL as string, { suffix, hyperparameters: { n_epochs: 1 } }),
    )
  await enter(page, '/console/jobs')
  const link = (suffix: string) =>
    page.getByRole('main').getByRole('link', { name: suffix, exact: true }).first()
  await reach(page, link('row-b'))
  await page.keyboard.press(' ')
  await page.keyboard.press('ArrowDown')
  await expect(link('row-a')).toBeFocused()
  await page.keyboard.press(' ')
  await press(page, page.getByRole('button', { name: 'Compare 2' }), 'Enter').catch(async () => {
    await reach(page, page.getByRole('button', { name: 'Compare 2' }), true)
    await page.keyboard.press('Enter')
  })
  await expect(page).toHaveURL(/vs=ftjob-/)
  await page.keyboard.press('g')
  await page.keyboard.press('j')
  await expect(h1(page, 'Fine-tuning')).toBeVisible()
  await reach(page, link('row-b'))
  await page.keyboard.press('Enter')
  await expect(h1(page, 'row-b')).toBeFocused()
})

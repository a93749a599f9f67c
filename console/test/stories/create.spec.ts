/** Somebody fills in the create dialog: they leave it and come back, and it does not run ahead of them. */
import { readFileSync } from 'node:fs'
import { expect, sample, signIn, test } from './people'
import { call, createdJob, uploaded } from './tuned'

/** The server's process, which rests while one looks at an upload that is under way. */
const SERVER = Number(process.env.SERVER_PID ?? 0)
const rests = (still: boolean) => SERVER && process.kill(SERVER, still ? 'SIGSTOP' : 'SIGCONT')

test('Esc leads back to where one was without a question, and what was typed is there again', async ({
  page,
  baseURL,
}) => {
  page.on('dialog', () => expect('a question').toBe('none'))
  const training = await uploaded(
    baseURL as string,
    'left.jsonl',
    readFileSync(sample('marv/train.jsonl'), 'utf8'),
  )
  await signIn(page, '/console/jobs?status=failed')
  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await expect(dialog.getByRole('combobox', { name: 'Base model' })).not.toHaveValue('')
  await expect(dialog.getByText('This is the form as you left it.')).toHaveCount(0)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/console\/jobs\?status=failed$/)

  await page.keyboard.press('c')
  await dialog.getByLabel('Suffix').fill('typed')
  await dialog.getByLabel('Epochs: Value').fill('3')
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await page.goto(`/console/datasets/${training}`)
  await page.getByRole('link', { name: 'Fine-tune', exact: true }).click()
  await expect(dialog.getByText('This is the form as you left it.')).toBeVisible()
  await expect(dialog.getByLabel('Suffix')).toHaveValue('typed')
  await expect(dialog.getByLabel('Training data').first()).toHaveValue(training)
  await page.reload()
  await expect(dialog.getByLabel('Epochs: Value')).toHaveValue('3')
  await dialog.getByRole('button', { name: 'Start afresh' }).click()
  await expect(dialog.getByLabel('Suffix')).toHaveValue('')
  await expect(dialog.getByLabel('Training data').first()).toHaveValue(training)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(new RegExp(`/console/datasets/${training}$`))

  // by a link from elsewhere there is nothing to go back to
  await page.goto('about:blank')
  const other = await page.context().newPage()
  await other.goto(`${baseURL}/console/jobs/new`)
  await other.locator('input[name=key]').fill(process.env.TUNESMITH_KEY ?? '')
  await other.keyboard.press('Enter')
  await expect(other.getByRole('dialog')).toBeVisible()
  await other.keyboard.press('Escape')
  await expect(other).toHaveURL(/\/console\/jobs$/)
  await other.close()
})

test('a duplicate keeps its edits when the page is loaded again, and each change is marked', async ({
  page,
  baseURL,
}) => {
  const job = await createdJob(baseURL as string, { suffix: 'first', hyperparameters: { n_epochs: 1 } })
  await signIn(page, `/console/jobs/new?from=${job}`)
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await expect(dialog.getByLabel('Suffix')).toHaveValue('first')
  await expect(dialog.getByText('changed', { exact: true })).toHaveCount(0)
  await dialog.getByLabel('Suffix').fill('second')
  await dialog.getByLabel('Validation data').first().selectOption('')
  await dialog.getByLabel('Epochs: Value').fill('2')
  await expect(dialog.getByText('changed', { exact: true })).toHaveCount(3)
  await expect(dialog.getByLabel('Suffix')).toHaveAccessibleDescription(/^changed/)
  await page.reload()
  await expect(dialog.getByLabel('Suffix')).toHaveValue('second')
  await expect(dialog.getByText('changed', { exact: true })).toHaveCount(3)
  await dialog.getByRole('button', { name: 'Start afresh' }).click()
  await expect(dialog.getByLabel('Suffix')).toHaveValue('first')
  await expect(dialog.getByText('changed', { exact: true })).toHaveCount(0)
  await call(baseURL as string, `/fine_tuning/jobs/${job}/cancel`, { method: 'POST' }).catch(() => undefined)
})

test('Create waits for the validation data too; an upload goes on behind the dialog and says where it ended', async ({
  page,
}) => {
  await signIn(page, '/console/jobs/new')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  const create = dialog.getByRole('button', { name: 'Create', exact: true })
  await dialog.getByLabel(/^Training data: choose/).setInputFiles(sample('marv/train.jsonl'))
  await expect(dialog.getByText('40 rows')).toBeVisible()
  await expect(create).not.toHaveAttribute('aria-disabled', 'true')
  rests(true)
  try {
    await dialog.getByLabel(/^Validation data: choose/).setInputFiles(sample('marv/valid.jsonl'))
    await expect(dialog.getByText(/^Uploading valid\.jsonl/)).toBeVisible()
    await expect(create).toHaveAttribute('aria-disabled', 'true')
    await expect(create).toHaveAccessibleDescription('The upload is not finished yet.')
    await page.keyboard.press('Escape')
    await expect(dialog).toHaveCount(0)
  } finally {
    rests(false)
  }
  await expect(page.getByRole('status').getByText('Uploaded valid.jsonl')).toBeVisible()
})

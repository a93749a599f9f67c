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
    await expect(dialog.getByText(/^Uploading valid\.jsonl/).first()).toBeVisible() // and it is heard
    await expect(create).toHaveAttribute('aria-disabled', 'true')
    await expect(create).toHaveAccessibleDescription('The upload is not finished yet.')
    await page.keyboard.press('Escape')
    await expect(dialog).toHaveCount(0)
  } finally {
    rests(false)
  }
  await expect(page.getByRole('status').getByText('Uploaded valid.jsonl')).toBeVisible()
})

test('what comes of splitting a file concerns that file, and whoever is still there', async ({
  page,
  baseURL,
}) => {
  const rows = readFileSync(sample('marv/train.jsonl'), 'utf8')
  const few = rows.trim().split('\n').slice(0, 9).join('\n')
  const [small, large] = [
    await uploaded(baseURL as string, 'nine.jsonl', `${few}\n`),
    await uploaded(baseURL as string, 'forty.jsonl', rows),
  ]
  await signIn(page, `/console/jobs/new?file=${small}`)
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  const training = dialog.getByLabel('Training data').first()
  const holdOut = dialog.getByRole('button', { name: 'Hold out 10 %' })
  const tooFew = dialog.getByText(/The file has 9 rows; 8 would be left/)
  await holdOut.click()
  await expect(tooFew).toBeVisible()
  await training.selectOption(large)
  await expect(tooFew).toHaveCount(0)

  // the halves arrive when something else has been chosen
  const held = async () => {
    let release = () => {}
    const released = new Promise<void>((done) => {
      release = done
    })
    const asked = page.waitForRequest(
      (request) => request.url().endsWith('/v1/files') && request.method() === 'POST',
    )
    await page.route('**/v1/files', async (route) => {
      if (route.request().method() === 'POST') await released
      await route.continue()
    })
    return { asked, release }
  }
  const halves = await held()
  await holdOut.click()
  await halves.asked
  await training.selectOption(small)
  halves.release()
  const made = page.getByText('Made forty-train.jsonl and forty-valid.jsonl')
  await expect(made.first()).toBeVisible()
  await expect(training).toHaveValue(small)
  await expect(dialog.getByLabel('Validation data').first()).toHaveValue('')

  await page.goto(`/console/datasets/${small}`)
  const again = await held()
  await page.getByRole('button', { name: 'Split 90/10' }).click()
  await again.asked
  await page.getByRole('link', { name: 'Models' }).click()
  again.release()
  await expect(page.getByText('Made nine-train.jsonl and nine-valid.jsonl').first()).toBeVisible()
  await expect(page).toHaveURL(/\/console\/models/)
})

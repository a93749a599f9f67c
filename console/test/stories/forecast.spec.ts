/** Before hours are spent somebody sees how much: with values left to the server, and with values of their own. */
import { readFileSync } from 'node:fs'
import type { Locator } from '@playwright/test'
import { expect, sample, signIn, test } from './people'
import { call, type Job, uploaded } from './tuned'

type Estimate = { tokens: { total: number; trained_total: number }; steps: { total: number } }

/** A number of the forecast, and the one behind it. */
const fact = (forecast: Locator, name: string) =>
  forecast.getByRole('term').filter({ hasText: name }).locator('xpath=../dd')

test('the create dialog foretells what a job takes, explains auto, and warns of what would go wrong', async ({
  page,
  baseURL,
}) => {
  const rows = readFileSync(sample('marv/train.jsonl'), 'utf8')
  const training = await uploaded(baseURL as string, 'forecast.jsonl', rows)
  await signIn(page, '/console/jobs/new')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  const forecast = dialog.getByRole('region', { name: 'Forecast' })
  await expect(forecast).toContainText('It comes once the training data is chosen.')

  // auto says what it becomes, and why; the steps follow from it
  await dialog.getByLabel('Training data').first().selectOption(training)
  await expect(fact(forecast, 'Rows').first()).toContainText('40')
  const epochs = dialog.getByRole('group', { name: /^Epochs/ })
  await expect(epochs).toContainText(/Becomes \d+: .+ 40 rows/)
  const auto = Number(/Becomes (\d+):/.exec((await epochs.textContent()) ?? '')?.[1])
  await expect(fact(forecast, 'Steps')).toContainText(`${auto} × 10`)
  await expect(fact(forecast, 'Time')).toContainText(/\d/)
  // they are the server's own
  const { tokens, steps } = await call<Estimate>(baseURL as string, '/fine_tuning/jobs/estimate', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'nano', training_file: training }),
  })
  expect([steps.total, tokens.total > 0]).toEqual([auto * 10, true])
  await expect(fact(forecast, 'Steps')).toContainText(steps.total.toLocaleString('en-GB'))
  await expect(fact(forecast, 'Tokens, all epochs')).toHaveText(tokens.total.toLocaleString('en-GB'))
  await expect(fact(forecast, 'trained on')).toContainText(tokens.trained_total.toLocaleString('en-GB'))
  await expect(forecast).toContainText(/are free on cpu/)
  await expect(fact(forecast, 'Starts')).toContainText(/at once|after/)

  // Tab through it leaves it to the server
  await dialog.getByLabel('Epochs: Value').focus()
  await page.keyboard.press('Tab')
  await expect(epochs.getByLabel('Auto')).toBeChecked()
  await expect(epochs).toContainText('Becomes')
  await epochs.getByText('Value', { exact: true }).click()
  await expect(epochs.getByLabel('Value', { exact: true })).toBeChecked()
  await dialog.getByLabel('Suffix').focus()
  await expect(epochs.getByLabel('Auto')).toBeChecked()

  // a value of one's own changes the forecast once the typing rests
  await dialog.getByLabel('Epochs: Value').fill('7')
  await expect(epochs).not.toContainText('Becomes')
  await expect(fact(forecast, 'Steps')).toContainText('7 × 10')
  await dialog.getByLabel('Batch size: Value').fill('20')
  await expect(fact(forecast, 'Steps')).toContainText('7 × 2')
  await expect(fact(forecast, 'Steps')).toContainText('14')
  await dialog.getByLabel('Epochs: Value').fill('0')
  await expect(forecast).toContainText('It comes once the values are right.')
  await dialog.getByLabel('Epochs: Value').fill('7')

  // what would go wrong stands where it is mended
  await dialog.getByLabel('Validation data').first().selectOption(training)
  await expect(forecast).toContainText('shares 40 rows with the training file')
  await dialog.getByText('Direct preference', { exact: true }).click()
  await expect(forecast).toContainText('This job would fail')
  await expect(dialog.getByLabel('Training data').first()).toHaveAttribute('aria-invalid', 'true')
  // and beside the button, which leads there
  const create = dialog.getByRole('button', { name: 'Create', exact: true })
  await expect(create).toHaveAttribute('aria-disabled', 'true')
  await expect(create).toHaveAccessibleDescription('The training data has faults.')
  await expect(dialog.getByText('The training data has faults.')).toHaveCount(3)
  await create.press('Enter')
  await expect(dialog.getByLabel('Training data').first()).toBeFocused()
  await dialog.getByText('Supervised', { exact: true }).click()
  await expect(forecast).not.toContainText('would fail')
  await dialog.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('button', { name: 'Open in Playground' })).toHaveAttribute(
    'aria-disabled',
    'true',
  )
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click()
  await expect(page.getByRole('main').getByText('Cancelled').first()).toBeVisible()
})

test('a tenth of the data is held out, the job keeps its forecast, and its end shows how good that was', async ({
  page,
  baseURL,
}) => {
  const rows = readFileSync(sample('marv/train.jsonl'), 'utf8')
  const training = await uploaded(baseURL as string, 'whole.jsonl', rows)
  await signIn(page, `/console/jobs/new?file=${training}`)
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await dialog.getByRole('button', { name: 'Hold out 10 %' }).click()
  const notice = dialog.getByRole('status').filter({ hasText: 'held out' })
  await expect(notice).toContainText(
    '36 rows to train on (whole-train.jsonl), 4 held out (whole-valid.jsonl)',
  )
  const forecast = dialog.getByRole('region', { name: 'Forecast' })
  await expect(forecast).toContainText('and 4 held out')

  // undone and done again, it is the same tenth
  await notice.getByRole('button', { name: 'Use the whole file again' }).click()
  await expect(dialog.getByLabel('Training data').first()).toHaveValue(training)
  await expect(dialog.getByLabel('Validation data').first()).toHaveValue('')
  await dialog.getByRole('button', { name: 'Hold out 10 %' }).click()
  await expect(notice).toContainText('4 held out')
  await dialog.getByLabel('Suffix').fill('receipt')
  await dialog.getByLabel('Epochs: Value').fill('2')
  await expect(forecast).toContainText('2 × 9')
  const foretold = await fact(forecast, 'Tokens, all epochs').textContent()
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()

  const main = page.getByRole('main')
  await expect(main.getByText(/^forecast .+ to .+, took .+/)).toBeVisible({ timeout: 90_000 })
  const id = new URL(page.url()).pathname.split('/').at(-1)
  const { trained_tokens } = await call<Job>(baseURL as string, `/fine_tuning/jobs/${id}`)
  expect(trained_tokens?.toLocaleString('en-GB')).toBe(foretold)
  await page.getByRole('tab', { name: 'Checkpoints' }).click()
  const compare = page.getByRole('table').getByRole('link', { name: /^Compare with final/ })
  await compare.first().click()
  await expect(page).toHaveURL(/playground\?m=.+&m=.+/)
})

test('a failed job leads to the line of the data that failed it, and to its duplicate', async ({
  page,
  baseURL,
}) => {
  const rows = readFileSync(sample('marv/train.jsonl'), 'utf8').trim().split('\n')
  rows[3] = '{"messages": [{"role": "user", "content": "Nobody answers."}]}'
  const training_file = await uploaded(baseURL as string, 'line-4.jsonl', `${rows.join('\n')}\n`)
  const { id } = await call<{ id: string }>(baseURL as string, '/fine_tuning/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', training_file, suffix: 'line-4' }),
  })
  await signIn(page, `/console/jobs/${id}`)
  const failure = page.getByRole('alert').filter({ hasText: 'This job failed' })
  await expect(failure.getByRole('link', { name: 'Fix and duplicate' })).toBeVisible({ timeout: 30_000 })
  await failure.getByRole('link', { name: 'See line 4 in the data' }).click()
  await expect(page.getByRole('article', { name: 'Line 4', exact: true })).toContainText('Nobody answers.')
})

/** Before hours are spent somebody sees how much: with values left to the server, and with values of their own. */
import { readFileSync } from 'node:fs'
import { expect, sample, signIn, test } from './people'
import { uploaded } from './tuned'

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
  const fact = (name: string) => forecast.getByRole('term').filter({ hasText: name }).locator('xpath=../dd')
  await expect(fact('Rows').first()).toContainText('40')
  const epochs = dialog.getByRole('group', { name: /^Epochs/ })
  await expect(epochs).toContainText(/Becomes \d+: .+ 40 examples/)
  const auto = Number(/Becomes (\d+):/.exec((await epochs.textContent()) ?? '')?.[1])
  await expect(fact('Steps')).toContainText(`${auto} × 10`)
  await expect(fact('Time')).toContainText(/\d/)
  await expect(forecast).toContainText(/are free on cpu/)
  await expect(fact('Starts')).toContainText(/at once|after/)

  // a value of one's own changes the forecast once the typing rests
  await dialog.getByLabel('Epochs: Value').fill('7')
  await expect(epochs).not.toContainText('Becomes')
  await expect(fact('Steps')).toContainText('7 × 10')
  await dialog.getByLabel('Batch size: Value').fill('20')
  await expect(fact('Steps')).toContainText('7 × 2')
  await expect(fact('Steps')).toContainText('14')
  await dialog.getByLabel('Epochs: Value').fill('0')
  await expect(forecast).toContainText('It comes once the values are right.')
  await dialog.getByLabel('Epochs: Value').fill('7')

  // what would go wrong stands where it is mended
  await dialog.getByLabel('Validation data').first().selectOption(training)
  await expect(forecast).toContainText('shares 40 rows with the training file')
  await dialog.getByText('Direct preference', { exact: true }).click()
  await expect(forecast).toContainText('This job would fail')
  await expect(dialog.getByLabel('Training data').first()).toHaveAttribute('aria-invalid', 'true')
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

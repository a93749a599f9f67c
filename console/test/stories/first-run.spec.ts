/** Somebody who has nothing yet clicks once and has a model of their own. */
import { expect, signIn, test } from './people'

test('one click on an empty server leads to a tuned model with results to take along', async ({ page }) => {
  await signIn(page)
  await page.getByRole('button', { name: 'Fine-tune the sample' }).click()
  await expect(page.getByRole('heading', { name: 'marv', level: 1 })).toBeVisible()
  await expect(page.getByRole('main').getByText('Succeeded').first()).toBeVisible({ timeout: 140_000 })
  await expect(page.locator('code', { hasText: /^ft:.+:marv:/ })).toBeVisible()
  await expect(page.getByText('Your model is ready.')).toBeVisible()
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await expect(page.getByRole('row', { name: /Epochs/ })).toContainText('auto')
  await page.getByRole('tab', { name: 'Files' }).click()
  const results = page.getByRole('row', { name: /Results/ })
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    results.getByRole('button', { name: 'Download' }).click(),
  ])
  expect(saved.suggestedFilename()).toBe('marv-results.csv')
  const csv = await (await saved.createReadStream()).toArray()
  expect(Buffer.concat(csv).toString()).toMatch(/^step,train_loss,/)
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('main').getByRole('link', { name: 'marv' }).click()
  // from the job's page to both models, on a question that neither has seen
  await page.getByRole('link', { name: 'Open in Playground' }).first().click()
  await expect(page).toHaveURL(/\/playground\?m=[^&]+&m=ft/)
  await page.getByRole('heading', { name: /held/i }).locator('xpath=..').getByRole('button').first().click()
  const answers = page.getByRole('article')
  await expect(answers).toHaveCount(2)
  for (const answer of [answers.first(), answers.last()])
    await expect(answer.getByText(/\d tokens \(/)).toBeVisible({ timeout: 60_000 })
})

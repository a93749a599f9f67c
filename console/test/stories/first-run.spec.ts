/** Somebody who has nothing yet clicks a few times and talks with a model of their own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstRunCode } from '../../app/lib/firstRun'
import { expect, KEY, signIn, TRAINS_MS, test } from './people'
import { call } from './tuned'

const MOST_CLICKS = 9

test('fewer than ten clicks lead from an empty server to an answer of one’s own model', async ({ page }) => {
  await page.addInitScript(() => {
    addEventListener(
      'click',
      (event) => {
        if (!event.isTrusted) return
        const before = Number(sessionStorage.getItem('clicks') ?? 0)
        sessionStorage.setItem('clicks', `${before + 1}`)
      },
      true,
    )
  })
  await page.goto('/console')
  await page.getByLabel('API key').fill(process.env.TUNESMITH_KEY ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('button', { name: 'Fine-tune the sample' })).toBeFocused()
  await page.getByRole('button', { name: 'Fine-tune the sample' }).click()
  await expect(page.getByRole('heading', { name: 'marv', level: 1 })).toBeVisible()
  await expect(page.getByText('Your model is ready.')).toBeVisible({ timeout: TRAINS_MS })
  await expect(page.locator('code', { hasText: /^ft:.+:marv:/ })).toBeVisible()
  // from the job's page to both models, on a question that neither has seen
  await page.getByRole('link', { name: 'Ask both' }).click()
  await expect(page).toHaveURL(/\/playground\?m=[^&]+&m=ft/)
  await page.getByRole('heading', { name: /held/i }).locator('xpath=..').getByRole('button').first().click()
  const answers = page.getByRole('article')
  await expect(answers).toHaveCount(2)
  for (const answer of [answers.first(), answers.last()])
    await expect(answer.getByText(/\d tokens \(/)).toBeVisible({ timeout: TRAINS_MS })
  const clicks = Number(await page.evaluate(() => sessionStorage.getItem('clicks')))
  console.log(`${clicks} clicks`)
  expect(clicks).toBeLessThanOrEqual(MOST_CLICKS)
})

test('what the sample left behind can be read and taken along', async ({ page }) => {
  await signIn(page)
  await page.getByRole('main').getByRole('link', { name: 'marv' }).first().click()
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
})

test('the programs beside the button make the same job', async ({ baseURL }) => {
  const folder = mkdtempSync(join(tmpdir(), 'first-run-'))
  try {
    for (const [language, program] of [
      ['curl', 'sh'],
      ['python', process.env.PYTHON ?? 'python3'],
    ] as const) {
      const code = firstRunCode(language, baseURL as string, 'nano')
      const env = { ...process.env, OPENAI_API_KEY: KEY }
      const printed = execFileSync(program, ['-c', code], { cwd: folder, env }).toString()
      const id = /ftjob-\w+/.exec(printed)?.[0]
      const job = await call<{ model: string; user_provided_suffix: string; validation_file: string | null }>(
        baseURL as string,
        `/fine_tuning/jobs/${id}`,
      )
      expect(job).toMatchObject({ model: 'nano', user_provided_suffix: 'marv' })
      expect(job.validation_file).toMatch(/^file-/)
      await call(baseURL as string, `/fine_tuning/jobs/${id}/cancel`, { method: 'POST' })
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/**
 * Somebody takes code along: from every place that shows some, in every language that it is shown in.
 *
 * With CODE_OUT the programs are left in that folder, where `tests/console/test_view_code.py` runs them.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator } from '@playwright/test'
import { strangersKey } from '../prepared'
import { expect, type Page, signIn, test } from './people'
import { createdJob, endedJob } from './tuned'

const OUT = process.env.CODE_OUT
const ENDS: Record<string, string> = { Python: 'py', Node: 'mjs', curl: 'sh', JSON: 'json' }

/** What is hard to quote in one language or another. */
const AWKWARD = 'It\'s "5 $HOME" `id` \\n %s\n你好 \u2028 🎈'

/** Writes down the program in each language on offer. */
async function take(place: Page | Locator, name: string, languages = Object.keys(ENDS)): Promise<void> {
  const bar = place.getByRole('group', { name: 'Language of the code' })
  await expect(bar.getByRole('radio')).toHaveCount(languages.length)
  for (const language of languages) {
    await bar.getByText(language, { exact: true }).click()
    await expect(bar.getByRole('radio', { name: language })).toBeChecked()
    const text = (await place.locator('pre').textContent()) ?? ''
    expect(text).not.toMatch(/sk-/)
    if (OUT) writeFileSync(join(OUT, `${name}.${ENDS[language]}`), text)
  }
}

test('the code of a request, a job, a model, a chat and the first run can be taken along', async ({
  page,
  browser,
  baseURL,
}) => {
  const url = baseURL as string
  const id = await createdJob(url, { suffix: 'taken', hyperparameters: { n_epochs: 1 } })
  const { fine_tuned_model: model } = await endedJob(url, id)
  const [, ...programs] = Object.keys(ENDS).reverse() // a call without a body has no JSON
  await signIn(page, `/console/jobs/${id}`)
  await page.getByRole('button', { name: 'View code' }).click()
  await take(page.getByRole('dialog'), 'job', programs)

  await page.goto(`/console/models/${encodeURIComponent(model ?? '')}`)
  await page.getByRole('button', { name: 'View code' }).click()
  await take(page.getByRole('dialog'), 'model')

  await page.goto(`/console/jobs/new?from=${id}`)
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await expect(dialog.getByLabel('Suffix')).toHaveValue('taken')
  await dialog.getByLabel('Suffix').fill('from-code')
  await dialog.getByLabel('Learning rate multiplier: Value').fill('0.5')
  await dialog.getByRole('button', { name: 'Show request' }).click()
  await take(dialog, 'create')
  await dialog.getByText('Direct preference', { exact: true }).click()
  await dialog.getByLabel('Beta: Value').fill('0.25')
  await take(dialog, 'create-dpo')

  const parameters = 't=0.5&p=0.9&max=8&seed=3&fp=0.5&pp=-0.5&stop=END&stop=%0A%0A&lp=1'
  await page.goto(`/console/playground?m=${encodeURIComponent(model ?? '')}&${parameters}`)
  await page.getByRole('textbox', { name: 'System prompt' }).fill(AWKWARD)
  await page.getByText('Tools and answer format').click()
  await page.getByRole('button', { name: 'Add tools' }).click()
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  const tool = { type: 'function', function: { name: 'get_weather', parameters: schema } }
  await page
    .getByRole('dialog')
    .getByRole('textbox')
    .fill(JSON.stringify([tool]))
  await page.keyboard.press('Escape')
  await page.getByRole('textbox', { name: 'Message' }).fill(AWKWARD)
  await page.getByRole('button', { name: 'View code' }).click()
  await take(page.getByRole('dialog'), 'chat')

  const other = await (await browser.newContext()).newPage()
  await signIn(other, `${url}/console`, await strangersKey(url))
  await expect(other.getByRole('button', { name: 'Fine-tune the sample' })).toBeVisible()
  await take(other.getByRole('main'), 'first-run', programs)
  await other.context().close()
})

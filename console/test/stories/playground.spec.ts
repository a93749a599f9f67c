/** Somebody who has tuned a model reads what it says beside its base. */
import { expect, signIn, test } from './people'
import { tunedModel } from './tuned'

test('base and tuned model answer the same question side by side, and it can be asked otherwise', async ({
  page,
  baseURL,
}) => {
  const tuned = await tunedModel(baseURL as string)
  await signIn(page, '/console/playground')
  await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue(/^ft:/)
  await page.goto(`/console/playground?m=${encodeURIComponent(tuned)}&t=0&max=40&seed=1`)
  await page.getByRole('button', { name: 'Compare with its base' }).click()
  const message = page.getByRole('textbox', { name: 'Message' })
  await message.fill('What is the capital of France?')
  await message.press('Enter')
  const answers = page.getByRole('article')
  await expect(answers).toHaveCount(2)
  await expect(answers.first().getByText(/\d tokens \(/)).toBeVisible()
  await expect(answers.last().getByText(/\d tokens \(/)).toBeVisible()
  await expect(answers.first().getByText('shared')).toBeVisible()

  // in turn, what is shown is a measurement
  await page.getByText('In turn', { exact: true }).click()
  await page.getByRole('button', { name: 'Answer again: Playground' }).click()
  await expect(answers.first().getByText(/\d tokens \(/)).toBeVisible()
  await expect(answers.last().getByText(/\d tokens \(/)).toBeVisible()
  await expect(page.getByText('shared', { exact: true })).toHaveCount(0)

  // the same state as code, without the key
  await page.getByRole('button', { name: 'View code' }).click()
  const code = page.getByRole('dialog').locator('pre')
  await expect(code).toContainText('client.chat.completions.create(')
  await expect(code).toContainText(`model="${tuned}"`)
  await expect(code).toContainText('temperature=0')
  await expect(code).toContainText('What is the capital of France?')
  await page.keyboard.press('Escape')

  // the text survives a reload; so do the models, from the link
  await message.fill('half a thou')
  await page.waitForTimeout(600)
  await page.reload()
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('half a thou')
  await expect(page.getByRole('article')).toHaveCount(2)
})

test('probabilities are read by keyboard, with what else could have stood there', async ({
  page,
  baseURL,
}) => {
  const tuned = await tunedModel(baseURL as string)
  await signIn(page, `/console/playground?m=${encodeURIComponent(tuned)}&lp=1&max=24`)
  await page.getByRole('textbox', { name: 'Message' }).fill('Who wrote Hamlet?')
  await page.keyboard.press('Enter')
  const text = page.getByRole('listbox', { name: /by probability/ })
  await text.focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await expect(page.getByText(/Probability \d/)).toBeVisible()
  await expect(page.getByRole('list', { name: 'Most likely here' }).getByRole('listitem')).toHaveCount(5)
})

test('an input method’s Enter does not send, Stop keeps what has come, and a refusal is the server’s sentence', async ({
  page,
  baseURL,
}) => {
  const tuned = await tunedModel(baseURL as string)
  await signIn(page, `/console/playground?m=${encodeURIComponent(tuned)}&max=900&t=2`)
  const message = page.getByRole('textbox', { name: 'Message' })
  await message.fill('你好')
  await message.dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })
  await expect(page.getByRole('article')).toHaveCount(0)
  await message.press('Enter')
  const answer = page.getByRole('article')
  await expect(answer.locator('div').first()).not.toBeEmpty()
  const stop = page.getByRole('button', { name: 'Stop' })
  if (await stop.isVisible()) {
    await page.keyboard.press('Escape')
    await expect(stop).toHaveCount(0)
  }
  await expect(answer).toHaveCount(1)

  await page.goto('/console/playground?m=no-such-model')
  await page.getByRole('button', { name: 'Clear' }).click()
  await page.getByRole('textbox', { name: 'Message' }).fill('Hello?')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('There is no such model.')
  await expect(page.getByRole('alert')).toContainText('no-such-model')
})

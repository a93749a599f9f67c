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

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', maxLength: 8 } },
      required: ['city'],
      additionalProperties: false,
    },
  },
}

test('a tool is typed in with its fault named, called, answered by hand, and is there after a reload', async ({
  page,
}) => {
  await signIn(page, '/console/playground?m=nano&max=60&t=0&seed=1')
  await page.getByText('Tools and answer format').click()
  await page.getByRole('button', { name: 'Add tools' }).click()
  const dialog = page.getByRole('dialog')
  const text = dialog.getByRole('textbox', { name: /^Tools/ })
  await text.fill('[\n  {"type": "function",}\n]')
  await expect(dialog.getByText('No JSON: line 2, column 23')).toBeVisible()
  await text.fill(JSON.stringify([{ ...WEATHER, function: { ...WEATHER.function, name: 'get weather' } }]))
  await expect(dialog.getByText('[0].function.name: a name has letters')).toBeVisible()
  await text.fill(JSON.stringify([WEATHER]))
  await dialog.getByRole('button', { name: 'Tidy up' }).click()
  await expect(text).toHaveValue(JSON.stringify([WEATHER], null, 2))
  await page.keyboard.press('Escape')
  const choice = page.getByRole('combobox', { name: /^Tool choice/ })
  await choice.selectOption('It must call get_weather')

  await page.getByRole('textbox', { name: 'Message' }).fill('What is the weather in Paris?')
  await page.keyboard.press('Enter')
  const call = page.getByRole('region', { name: 'Calls get_weather' })
  await expect(call.locator('pre')).toContainText('"city": ')
  // nothing goes on before the call has its result
  const send = page.getByRole('button', { name: 'Send results' })
  await expect(send).toHaveAttribute('aria-disabled', 'true')
  await choice.selectOption('It may not call')
  const result = page.getByRole('textbox', { name: 'Result of get_weather' })
  await result.fill('<b>18</b> degrees')
  await result.press('Control+Enter')
  const last = page.getByRole('article').last()
  await expect(page.getByRole('article')).toHaveCount(2)
  await expect(last.getByText(/\d tokens \(/)).toBeVisible()

  await page.getByRole('button', { name: 'View code' }).click()
  const code = page.getByRole('dialog').locator('pre')
  await expect(code).toContainText('tools=[')
  await expect(code).toContainText('"tool_call_id"')
  await expect(code).toContainText('<b>18</b> degrees')
  await page.keyboard.press('Escape')
  await page.waitForTimeout(600)
  await page.reload()
  await expect(page.getByRole('textbox', { name: 'Result of get_weather' })).toHaveValue('<b>18</b> degrees')
  await expect(page.getByText('get_weather', { exact: true }).first()).toBeVisible()
})

test('an answer has the form of a schema', async ({ page }) => {
  await signIn(page, '/console/playground?m=nano&max=80&t=0')
  await page.getByText('Tools and answer format').click()
  await page.getByRole('radio', { name: 'Schema' }).check({ force: true })
  const dialog = page.getByRole('dialog')
  await dialog
    .getByRole('textbox')
    .fill(
      '{"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"], "additionalProperties": false}',
    )
  await expect(dialog.getByText('Schema answer')).toBeVisible()
  await dialog.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('textbox', { name: 'Message' }).fill('Say a colour in JSON.')
  await page.keyboard.press('Enter')
  const answer = page.getByRole('article')
  await expect(answer.getByText(/\d tokens \(/)).toBeVisible()
  await expect(answer.getByText(/"colour":\s*"(red|blue)"/)).toBeVisible()
})

test('the same prompt five times shows what varies, and equal answers part where one is changed', async ({
  page,
  baseURL,
}) => {
  const tuned = encodeURIComponent(await tunedModel(baseURL as string))
  await signIn(page, `/console/playground?m=${tuned}&m=${tuned}&max=24&t=0&seed=7&diff=1`)
  await page.getByRole('textbox', { name: 'Message' }).fill('What is the capital of France?')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Word for word the same.')).toBeVisible()

  await page
    .getByRole('button', { name: /^Edit: ft:/ })
    .last()
    .click()
  const box = page.getByRole('textbox', { name: /^Edit: ft:/ })
  const said = await box.inputValue()
  await box.fill(`${said} indeed`)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByText(/words are the same, then they part/)).toBeVisible()
  await expect(page.locator('mark')).toHaveText([/indeed/])

  await page
    .getByRole('button', { name: /Ask five times/ })
    .first()
    .click()
  const spread = page.getByRole('region', { name: 'The same prompt, 5 times' })
  await expect(spread.getByText('All 5 answers are the same.')).toBeVisible()
  await expect(spread.getByText('seeds 7, 8, 9, 10, 11')).toBeVisible()
  await spread.getByRole('button', { name: 'Close' }).click()
  await expect(spread).toHaveCount(0)
})

test('an answer that was cut goes on from its end', async ({ page, baseURL }) => {
  const tuned = encodeURIComponent(await tunedModel(baseURL as string))
  await signIn(page, `/console/playground?m=${tuned}&max=2&t=0`)
  await page.getByRole('textbox', { name: 'Message' }).fill('What is the capital of France?')
  await page.keyboard.press('Enter')
  const answer = page.getByRole('article')
  const text = answer.locator('[class*=text]').first()
  await expect(answer.getByText('cut off at the token limit')).toBeVisible()
  const part = await text.textContent()
  await answer.getByRole('button', { name: /^Continue/ }).click()
  await expect(answer.getByText('continued', { exact: true })).toBeVisible()
  await expect(answer.getByText(/\d tokens \(/)).toBeVisible()
  const longer = (await text.textContent()) ?? ''
  expect(longer.length).toBeGreaterThan((part ?? '').length)
  expect(longer.startsWith(part as string)).toBe(true)
})

test('a link carries the prompt past the sign-in, and asks nothing by itself', async ({ page, browser }) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await signIn(page, '/console/playground?m=nano&max=4')
  await page.getByRole('textbox', { name: 'System prompt' }).fill('Be brief.')
  const hostile = '<img src=x onerror="window.broken=1"> \u202E 你好'
  await page.getByRole('textbox', { name: 'Message' }).fill(hostile)
  await page.getByRole('button', { name: 'Copy link with prompt' }).click()
  await expect(page.getByText('Link copied', { exact: false })).toBeVisible()
  const link = await page.evaluate(() => navigator.clipboard.readText())
  expect(new URL(link).search).not.toContain('brief')

  const other = await (await browser.newContext()).newPage()
  const requests: string[] = []
  other.on('request', (request) => requests.push(request.url()))
  await signIn(other, link)
  await expect(other.getByRole('textbox', { name: 'Message' })).toHaveValue(hostile)
  await expect(other.getByRole('textbox', { name: 'System prompt' })).toHaveValue('Be brief.')
  expect(new URL(other.url()).hash).toBe('')
  expect(requests.filter((url) => url.includes('prompt=') || url.includes('/chat/'))).toEqual([])
  await other.context().close()

  // what is here already is not overwritten without being asked
  await page.getByRole('textbox', { name: 'System prompt' }).fill('Mine.')
  await page.goto(link)
  await page.getByRole('button', { name: 'Keep what is here' }).click()
  await expect(page.getByRole('textbox', { name: 'System prompt' })).toHaveValue('Mine.')
  await page.goto(link)
  await page.getByRole('button', { name: 'Replace what is here' }).click()
  await expect(page.getByRole('textbox', { name: 'System prompt' })).toHaveValue('Be brief.')

  await page
    .getByRole('textbox', { name: 'Message' })
    .fill(Array.from({ length: 9000 }, (_, i) => i * 7919).join(' '))
  await page.getByRole('button', { name: 'Copy link with prompt' }).click()
  await expect(page.getByText(/Too long for a link: [\d,]+ characters/)).toBeVisible()
})

test('a prompt that is too long says by how much, and where most of it is', async ({ page }) => {
  await signIn(page, '/console/playground?m=nano')
  await page.getByRole('textbox', { name: 'Message' }).fill('many words '.repeat(1500))
  await page.keyboard.press('Enter')
  await expect(page.getByText(/Too long by [\d,]+ tokens: the messages have [\d,]+/)).toBeVisible()
  await expect(page.getByText(/^Too long .*100\s?% of the text is in turn 1 \(User\)/)).toBeVisible()
})

test('columns have parameters of their own, which a link keeps, and one seed that the page chooses', async ({
  page,
}) => {
  await signIn(page, '/console/playground?m=nano&m=nano&max=6&t=1')
  await page.getByRole('group', { name: 'Parameters are' }).getByText('Each its own').click()
  await page.getByRole('group', { name: 'Parameters of model' }).getByText('B', { exact: true }).click()
  const most = page.getByRole('textbox', { name: /^Most tokens/ })
  await most.fill('2')
  await expect(page).toHaveURL(/[?&]max=6.*&max2=2/)
  await page.getByRole('textbox', { name: 'Message' }).fill('Count.')
  await page.keyboard.press('Enter')
  const answers = page.getByRole('article')
  await expect(answers.last().getByText(/^2 tokens/)).toBeVisible()
  const seed = (await answers
    .first()
    .getByText(/^seed \d+$/)
    .textContent()) as string
  await expect(answers.last().getByText(seed, { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'View code' }).click()
  const code = page.getByRole('dialog').locator('pre')
  await expect(code).toContainText(seed.replace(' ', '='))
  await expect(code).toContainText('max_completion_tokens=6')
  await page.getByLabel('Model of the code').selectOption({ index: 1 })
  await expect(code).toContainText('max_completion_tokens=2')
  await page.keyboard.press('Escape')
  await page.reload()
  await page.getByRole('group', { name: 'Parameters of model' }).getByText('B', { exact: true }).click()
  await expect(most).toHaveValue('2')
  // the first column goes: the second moves up with what is its own
  await answers.last().getByRole('button', { name: 'Edit: nano' }).click()
  const box = page.getByRole('textbox', { name: 'Edit: nano' })
  await box.fill('Half a tho')
  await page.getByRole('button', { name: 'Remove nano' }).first().click()
  await expect(most).toHaveValue('2')
  await expect(box).toHaveValue('Half a tho')
  await box.press('Escape')
  await page.getByRole('button', { name: 'Add a model' }).click()
  await page.getByRole('button', { name: 'Ask now' }).click()
  await expect(page.getByRole('button', { name: 'Ask now' })).toHaveCount(0)
  await expect(box).toHaveCount(0)
  await expect(answers).toHaveCount(2)
})

test('what is being typed stays over a reload, and the focus is never lost', async ({ page }) => {
  await signIn(page, '/console/playground?m=nano&max=300&t=2')
  // in the middle of a text the cursor stays where it is
  const system = page.getByRole('textbox', { name: 'System prompt' })
  await system.fill('Be ef.')
  for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight']) await system.press(key)
  await page.keyboard.type('bri')
  await expect(system).toHaveValue('Be brief.')

  const message = page.getByRole('textbox', { name: 'Message' })
  await message.fill('Tell me a story.')
  const button = page.getByRole('button', { name: /^(Send|Stop)$/ })
  await button.dblclick() // somebody who always clicks twice
  await expect(button).toBeFocused()
  await expect(page.getByRole('article')).toHaveAttribute('aria-busy', 'false')
  await expect(button).toBeFocused()
  await expect(page.getByText('stopped', { exact: true })).toHaveCount(0)

  await page.getByRole('button', { name: 'Edit: User' }).click()
  const question = page.getByRole('textbox', { name: 'Edit: User' })
  await question.fill('Half a tho')
  await page.waitForTimeout(600)
  await page.reload()
  await expect(question).toHaveValue('Half a tho')
  await question.press('Escape')
  await expect(page.getByRole('button', { name: 'Edit: User' })).toBeFocused()
  await page.getByRole('button', { name: 'Edit: nano' }).click()
  await page.getByRole('textbox', { name: 'Edit: nano' }).fill('My own words.')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Edit: nano' })).toBeFocused()
  await page.reload()
  await expect(page.getByText('My own words.')).toBeVisible()
  await expect(page.getByText('shared', { exact: true })).toHaveCount(0)
})

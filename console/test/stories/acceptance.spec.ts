/** What people came for, as five of them wrote it down: each way through the console from their data to their answer. */
import { notChinese } from './chinese'
import { expect, type Page, sample, signIn, TRAINS_MS, test } from './people'
import { jsonl, long, preferences, prompts, toolRows, weighted } from './rows'
import { call, createdJob, endedJob, uploaded } from './tuned'

const file = (name: string, rows: object[]) => ({
  name,
  mimeType: 'application/jsonl',
  buffer: Buffer.from(jsonl(rows)),
})

type Estimate = { tokens: { total: number }; seconds: { low: number; high: number } }

async function answered(page: Page, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await expect(
      page
        .getByRole('article')
        .nth(index)
        .getByText(/\d tokens \(/),
    ).toBeVisible({ timeout: TRAINS_MS })
}

test.describe('in Chinese', () => {
  test.use({ locale: 'zh-CN' })

  test('A: a guide is followed from the dialog to the playground, and every word of it is Chinese', async ({
    page,
  }) => {
    await signIn(page, '/console/jobs')
    await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
    const english = await notChinese(page)
    await page.keyboard.press('c')
    const dialog = page.getByRole('dialog', { name: '创建微调任务' })
    await expect(dialog.getByRole('combobox', { name: '基础模型' })).not.toHaveValue('')
    await dialog
      .getByLabel(/^训练数据/)
      .last()
      .setInputFiles(sample('marv/train.jsonl'))
    await expect(dialog.getByText('40 行', { exact: false }).first()).toBeVisible()
    await expect(dialog.locator('[data-field=validation_file]')).toHaveValue('') // 无
    await dialog.getByLabel('后缀').fill('zhinan')
    await dialog.getByLabel('随机种子').fill('42')
    for (const name of ['批大小', '学习率倍数', '轮数'])
      await expect(dialog.getByRole('group', { name: new RegExp(`^${name}`) })).toContainText(/将为 [\d.]+：/)
    english.push(...(await notChinese(page)))
    await dialog.getByRole('button', { name: '创建', exact: true }).click()

    await expect(page.getByRole('heading', { name: 'zhinan', level: 1 })).toBeVisible()
    const stages = page.getByRole('list', { name: '经过' })
    for (const stage of ['已创建', '校验', '排队', '训练', '模型已保存', '已成功'])
      await expect(stages.getByText(stage, { exact: true })).toBeVisible({ timeout: TRAINS_MS })
    await expect(page.getByRole('group', { name: '损失', exact: true }).locator('canvas')).toBeVisible()
    await expect(page.getByText(/^损失（训练）：\d+ 步内从/)).toBeVisible()
    const name = (await page.locator('code', { hasText: /^ft:.+:zhinan:/ }).textContent()) ?? ''

    english.push(...(await notChinese(page)))
    await page.getByRole('link', { name: '试用', exact: true }).first().click()
    const model = page.getByRole('combobox', { name: '模型' })
    await model.click()
    await model.fill('zhinan')
    await page.getByRole('option').filter({ hasText: name }).click()
    await page.getByRole('textbox', { name: '消息' }).fill('你好')
    await page.keyboard.press('Enter')
    await expect(
      page
        .getByRole('article')
        .getByText(/个 token/)
        .first(),
    ).toBeVisible({ timeout: TRAINS_MS })
    const said = await page.getByRole('article').locator('[class*=text]').first().textContent()
    english.push(...(await notChinese(page, said ?? '')))
    expect([...new Set(english)]).toEqual([])
  })
})

test('B: two thousand rows with weights: the turns of weight 0 are seen to be untrained, and the model can be deleted', async ({
  page,
  baseURL,
}) => {
  const rows = weighted(2_120)
  const name = `weights-${Date.now()}.jsonl`
  const valid = await uploaded(baseURL as string, 'weights-valid.jsonl', jsonl(rows.slice(0, 40)))
  await signIn(page, '/console/datasets')
  await page.locator('input[type=file]').setInputFiles(file(name, rows))
  await page.getByRole('listitem').filter({ hasText: name }).getByRole('link', { name: 'Open' }).click()
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible({ timeout: TRAINS_MS })
  await expect(page.getByText(/2,120 rows/).first()).toBeVisible()
  await page.getByRole('tab', { name: /Rows/ }).click()
  for (const line of [1, 2]) {
    const row = page.getByRole('article', { name: `Line ${line}`, exact: true })
    await expect(row.locator('mark')).toContainText(`Yes, it is ${(line - 1) % 7}.`)
    await expect(row.locator('mark')).not.toContainText('guess')
    await expect(row).toContainText(`A guess number ${line - 1}.`)
  }

  await page.getByRole('link', { name: 'Fine-tune', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await dialog.getByLabel('Validation data').first().selectOption(valid)
  await dialog.getByLabel('Suffix').fill('weights')
  await dialog.getByLabel('Epochs: Value').fill('1')
  await dialog.getByLabel('Batch size: Value').fill('128')
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('main').getByText('Succeeded').first()).toBeVisible({ timeout: TRAINS_MS })
  for (const chart of ['Loss', 'Token accuracy'])
    await expect(page.getByRole('group', { name: chart, exact: true }).locator('canvas')).toBeVisible()
  await expect(page.getByText(/Lowest on the whole validation file: [\d.]+ at step 17\./)).toBeVisible()

  await page.getByRole('link', { name: 'Models', exact: true }).first().click()
  await page.getByRole('button', { name: 'More for weights' }).first().click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  const sure = page.getByRole('dialog')
  const asked = (await sure.locator('code').first().textContent()) ?? ''
  await sure.getByLabel('Type the name to confirm').fill(asked)
  await sure.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText(/^Deleted /)).toBeVisible()
  await expect(page.getByText(/:weights:/)).toHaveCount(0)
})

test('C: what a million tokens would cost is seen beforehand; SFT with tools, then DPO on top of the result', async ({
  page,
  baseURL,
}) => {
  const url = baseURL as string
  const million = await uploaded(url, 'million.jsonl', jsonl(long(1_500)))
  const sft = await uploaded(url, 'gates.jsonl', jsonl(toolRows(12)))
  const pairs = await uploaded(url, 'preferred.jsonl', jsonl(preferences(12)))
  await signIn(page, '/console/jobs/new')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  const forecast = dialog.getByRole('region', { name: 'Forecast' })
  const fact = (name: string) => forecast.getByRole('term').filter({ hasText: name }).locator('xpath=../dd')
  await dialog.getByLabel('Training data').first().selectOption(million)
  await dialog.getByLabel('Epochs: Value').fill('3')
  await expect(fact('Tokens, all epochs')).toContainText(/[\d,]+,\d{3},\d{3}/, { timeout: TRAINS_MS })
  // by the server's own forecast: the hours that it takes at what an hour costs
  const estimate = await call<Estimate>(url, '/fine_tuning/jobs/estimate', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: await dialog.getByRole('combobox', { name: 'Base model' }).inputValue(),
      training_file: million,
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 3 } } },
    }),
  })
  expect(estimate.tokens.total).toBeGreaterThan(1_000_000)
  await expect(fact('Tokens, all epochs')).toContainText(estimate.tokens.total.toLocaleString('en-GB'))
  const { prices } = await call<{ prices: { device_hour: number } }>(url, '/server')
  expect(prices.device_hour).toBeGreaterThan(0)
  const amounts = (await fact('Cost').textContent())
    ?.match(/[\d,]+(\.\d+)?/g)
    ?.map((text) => Number(text.replaceAll(',', '')))
  expect(amounts).toHaveLength(2)
  for (const [index, end] of (['low', 'high'] as const).entries()) {
    expect(amounts?.[index]).toBeGreaterThan(0)
    expect((amounts?.[index] ?? 0) / ((estimate.seconds[end] / 3_600) * prices.device_hour)).toBeCloseTo(1, 1)
  }

  await dialog.getByLabel('Training data').first().selectOption(sft)
  await expect(fact('Rows').first()).toContainText('12')
  await dialog.getByLabel('Suffix').fill('gates')
  await dialog.getByLabel('Epochs: Value').fill('2')
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('main').getByText('Succeeded').first()).toBeVisible({ timeout: TRAINS_MS })

  await page.getByRole('tab', { name: /Checkpoints/ }).click()
  await page
    .getByRole('link', { name: /^Fine-tune from here/ })
    .first()
    .click()
  await expect(dialog.getByRole('combobox', { name: 'Base model' })).toHaveValue(/^ft:.+:gates/)
  await dialog.getByText('Direct preference', { exact: true }).click()
  await dialog.getByLabel('Training data').first().selectOption(pairs)
  await dialog.getByLabel('Suffix').fill('preferred')
  await dialog.getByLabel('Epochs: Value').fill('2')
  await dialog.getByLabel('Beta: Value').fill('0.1')
  await expect(forecast).toContainText(/It( may not)?( does not)? fit/, { timeout: TRAINS_MS })
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'preferred', level: 1 })).toBeVisible()
  await expect(page.getByRole('main').getByText('Succeeded').first()).toBeVisible({ timeout: TRAINS_MS })
  await expect(
    page.getByRole('group', { name: 'Reward margin', exact: true }).locator('canvas'),
  ).toBeVisible()
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await expect(page.getByRole('row', { name: /^Beta/ })).toContainText('0.1')
})

test('D: was it worth it: the base with a long prompt beside the tuned model with a short one, tokens and seconds by each', async ({
  page,
  baseURL,
}) => {
  const url = baseURL as string
  const job = await endedJob(url, await createdJob(url, { suffix: 'desk', hyperparameters: { n_epochs: 2 } }))
  const tuned = job.fine_tuned_model as string
  await signIn(page, `/console/playground?m=nano&m=${encodeURIComponent(tuned)}&t=0&max=24`)
  await page.getByRole('group', { name: 'System prompt is' }).getByText('Each its own').click()
  await page
    .getByRole('textbox', { name: 'System prompt of A' })
    .fill('You stand at the information desk of an airport. '.repeat(12))
  await page.getByRole('textbox', { name: 'System prompt of B' }).fill('Airport desk.')
  // one after the other, so that the speed is a measurement
  await page.getByText('In turn', { exact: true }).click()
  const message = page.getByRole('textbox', { name: 'Message' })
  await message.fill('Where is gate B12?')
  await message.press('Enter')
  await answered(page, 2)
  const base = page.getByRole('article').first()
  const own = page.getByRole('article').last()
  const tokensIn = async (answer: typeof base) =>
    Number(/(\d+) in/.exec((await answer.textContent()) ?? '')?.[1])
  expect(await tokensIn(own)).toBeLessThan((await tokensIn(base)) / 3)
  for (const answer of [base, own]) {
    await expect(answer).toContainText(/to the first token/)
    await expect(answer).toContainText(/US\$|\$/)
    await expect(answer.getByText('shared', { exact: true })).toHaveCount(0)
  }
  await page.getByRole('button', { name: 'View code' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.locator('pre')).toContainText('information desk')
  await dialog.getByLabel('Model of the code').selectOption({ index: 1 })
  await expect(dialog.locator('pre')).toContainText('Airport desk.')
  await page.keyboard.press('Escape')

  // and on the very same words
  await page.getByRole('group', { name: 'System prompt is' }).getByText('One system prompt for all').click()
  await page.getByRole('button', { name: 'Answer again: Playground' }).click()
  await answered(page, 2)
  await expect.poll(async () => (await tokensIn(own)) - (await tokensIn(base))).toBe(0)
})

test('E: prompt and completion rows are accepted, converted, and a second try differs in its epochs alone', async ({
  page,
}) => {
  const rows = prompts()
  const name = `course-${Date.now()}`
  await signIn(page, '/console/datasets')
  await page.locator('input[type=file]').setInputFiles(file(`${name}.jsonl`, rows))
  await page.getByRole('listitem').filter({ hasText: name }).getByRole('link', { name: 'Open' }).click()
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible({ timeout: TRAINS_MS })
  await page.getByRole('tab', { name: /Rows/ }).click()
  const first = page.getByRole('article', { name: 'Line 1', exact: true })
  await expect(first).toContainText('user')
  await expect(first).toContainText('assistant')
  await expect(first.locator('mark')).toContainText(rows[0]?.completion ?? '')
  await page.getByRole('button', { name: 'Convert to messages' }).click()
  await expect(page.getByText(/^Made course-.+: 40 rows$/)).toBeVisible()
  await expect(page.getByRole('heading', { level: 1 })).toContainText(name)
  await expect(page.getByRole('button', { name: 'Convert to messages' })).toHaveCount(0)

  await page.getByRole('link', { name: 'Fine-tune', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await dialog.getByLabel('Suffix').fill('course')
  await dialog.getByLabel('Epochs: Value').fill('2')
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page.getByRole('main').getByText('Succeeded').first()).toBeVisible({ timeout: TRAINS_MS })
  const before = page.url()
  await page.getByRole('link', { name: 'Duplicate' }).click()
  await expect(dialog.getByLabel('Suffix')).toHaveValue('course')
  await expect(dialog.getByText('changed', { exact: true })).toHaveCount(0)
  await dialog.getByLabel('Epochs: Value').fill('4')
  await expect(dialog.getByText('changed', { exact: true })).toHaveCount(1)
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page).not.toHaveURL(before)
  await expect(
    page
      .getByText(/^Step \d+ of 40$/)
      .or(page.getByText('Succeeded').first())
      .first(),
  ).toBeVisible({
    timeout: TRAINS_MS,
  })
  await page.getByRole('combobox', { name: 'Compare with another job' }).click()
  await page
    .getByRole('option')
    .filter({ hasText: /ftjob-[\w-]+/.exec(before)?.[0] as string })
    .click()
  await expect(page.getByRole('table', { name: 'What differs' }).getByRole('row')).toHaveCount(2)
  await expect(page.getByRole('row', { name: /^Epochs/ })).toContainText(/4.*2/)
})

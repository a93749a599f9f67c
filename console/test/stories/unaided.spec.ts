/** What people came for, done by keyboard alone: from the first run to the ways of all five of them. */
import { readFileSync } from 'node:fs'
import { strangersKey } from '../prepared'
import { faultyRows } from '../visits'
import {
  answered,
  answers,
  bring,
  choose,
  create,
  creating,
  enter,
  h1,
  message,
  newest,
  onDisk,
  press,
  reach,
  succeeded,
  write,
} from './byKeys'
import { expect, sample, TRAINS_MS, test } from './people'
import { jsonl, preferences, prompts, toolRows, weighted } from './rows'
import { createdJob, endedJob, tunedModel, uploaded } from './tuned'

test('the first run: from nothing to both answers', async ({ page, baseURL }) => {
  await enter(page, '/console', await strangersKey(baseURL as string))
  await press(page, page.getByRole('button', { name: 'Fine-tune the sample' }))
  await expect(h1(page, 'marv')).toBeFocused()
  await expect(page.getByText('Your model is ready.')).toBeVisible({ timeout: TRAINS_MS })
  await press(page, page.getByRole('link', { name: 'Ask both' }))
  await press(
    page,
    page.getByRole('heading', { name: /held/i }).locator('xpath=..').getByRole('button').first(),
  )
  await answered(page, 2)
})

test('faults: each is walked to, and seen in its row', async ({ page }) => {
  const good = readFileSync(sample('marv/train.jsonl'), 'utf8').trim().split('\n')
  const rows = faultyRows(good).split('\n')
  rows[12] = good[12] as string // what is no JSON does not even travel
  await bring(page, onDisk('three-faults.jsonl', rows.join('\n')))
  await expect(page.getByRole('heading', { name: '3 problems stop a job' })).toBeVisible()
  for (const key of ['n', 'n', 'n', 'p', 'Enter']) await page.keyboard.press(key)
  const line = (number: number) => page.getByRole('article', { name: `Line ${number}`, exact: true })
  await expect(line(7)).toBeFocused()
  await expect(line(7)).toContainText('robot')
  await page.keyboard.press(']')
  await expect(line(8)).toBeFocused()
})

test('judgements: ten of them become a file of comparisons, and a job', async ({ page, baseURL }) => {
  const tuned = encodeURIComponent(await tunedModel(baseURL as string))
  await enter(page, `/console/playground?m=${tuned}&m=nano&t=1&max=12`)
  for (let asked = 1, saved = 0; saved < 10; asked++) {
    expect(asked, 'two answers hardly ever say the same').toBeLessThan(20)
    await write(page, message(page), `What is ${asked}?`)
    await page.keyboard.press('Enter')
    await expect(answers(page)).toHaveCount(2 * asked)
    for (const answer of await answers(page).all()) await expect(answer).toHaveAttribute('aria-busy', 'false')
    await page.keyboard.press('Shift+Tab') // out of the field, where a 1 is a 1
    await page.keyboard.press('1')
    if (await page.getByRole('button', { name: 'A is better' }).last().getAttribute('aria-disabled')) continue
    await page.keyboard.press('b')
    saved += 1
    const said = saved < 10 ? `${saved} of 10 rows needed` : '10 rows'
    await expect(page.getByText(`A is better. Saved in “comparisons”: ${said}`)).toBeVisible()
  }
  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await expect(h1(page, 'Datasets')).toBeFocused()
  await press(page, page.getByRole('region', { name: 'Drafts' }).getByRole('link', { name: 'comparisons' }))
  await press(page, page.getByRole('button', { name: 'Upload as file' }))
  await expect(creating(page).getByRole('radio', { name: 'Direct preference' })).toBeChecked()
  await create(page, 'judged', 1)
  await succeeded(page)
})

test('three jobs: ticked, compared, and sent to somebody as a link', async ({ page, browser, baseURL }) => {
  const url = baseURL as string
  for (const suffix of ['three-c', 'three-b', 'three-a'])
    await endedJob(url, await createdJob(url, { suffix, hyperparameters: { n_epochs: 1 } }))
  await enter(page, '/console/jobs')
  await reach(page, page.getByRole('main').getByRole('link', { name: 'three-a', exact: true }).first())
  for (const key of [' ', 'ArrowDown', ' ', 'ArrowDown', ' ']) await page.keyboard.press(key)
  await reach(page, page.getByRole('button', { name: 'Compare 3' }), true)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/vs=ftjob-/)
  await reach(page, page.getByRole('radio', { name: 'Step' }))
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('radio', { name: 'Epoch' })).toBeChecked()
  await reach(page, page.getByRole('group', { name: 'Loss', exact: true }))
  for (const key of ['l', '+']) await page.keyboard.press(key)
  await expect(page).toHaveURL(/(?=.*x=epoch)(?=.*y=log)(?=.*r=)/)

  const fresh = await (await browser.newContext()).newPage()
  await enter(fresh, page.url())
  await expect(fresh).toHaveURL(page.url())
  await expect(fresh.getByRole('radio', { name: 'Epoch' })).toBeChecked()
  const legend = fresh.locator('figure').filter({ hasText: 'Loss' }).first().getByRole('listitem')
  for (const suffix of ['three-a', 'three-b', 'three-c'])
    await expect(legend.filter({ hasText: suffix }).first()).toBeVisible()
  await fresh.context().close()
})

test.describe('in Chinese', () => {
  test.use({ locale: 'zh-CN' })

  test('A: from the dialog to the playground', async ({ page }) => {
    await enter(page, '/console/jobs')
    await page.keyboard.press('c')
    const dialog = page.getByRole('dialog', { name: '创建微调任务' })
    await expect(dialog.getByRole('combobox', { name: '基础模型' })).not.toHaveValue('')
    const data = dialog.locator('[data-field=training_file]')
    await reach(page, data)
    await choose(
      page,
      dialog.getByRole('button', { name: '从这台电脑中选择', exact: true }).first(),
      sample('marv/train.jsonl'),
    )
    await expect(data).not.toHaveValue('')
    await write(page, dialog.getByLabel('后缀'), 'wu-shubiao')
    await write(page, dialog.getByLabel('随机种子'), '42')
    await page.keyboard.press('Control+Enter')
    await expect(h1(page, 'wu-shubiao')).toBeFocused()
    await expect(page.getByRole('main').getByText('已成功').first()).toBeVisible({ timeout: TRAINS_MS })
    await press(page, page.getByRole('link', { name: '试用', exact: true }))
    await reach(page, page.getByRole('combobox', { name: '模型' }))
    await page.keyboard.type('wu-shubiao')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('combobox', { name: '模型' })).toHaveValue(/wu-shubiao/)
    await write(page, page.getByRole('textbox', { name: '消息' }), '你好')
    await page.keyboard.press('Enter')
    await expect(
      answers(page)
        .getByText(/个 token/)
        .first(),
    ).toBeVisible({ timeout: TRAINS_MS })
  })
})

test('B: rows with weights are looked at and trained on, and the model is deleted', async ({ page }) => {
  await bring(page, onDisk('weights.jsonl', jsonl(weighted(40))))
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible({ timeout: TRAINS_MS })
  await reach(page, page.getByRole('tab', { name: 'Report' }))
  await page.keyboard.press('ArrowRight')
  const row = page.getByRole('article', { name: 'Line 1', exact: true })
  await expect(row.locator('mark')).toContainText('Yes, it is 0.')
  await expect(row.locator('mark')).not.toContainText('guess')
  await press(page, page.getByRole('link', { name: 'Fine-tune', exact: true }))
  await newest(page, 'Validation data')
  const suffix = `unaided-${Date.now()}`
  await create(page, suffix, 1)
  await succeeded(page)

  await page.keyboard.press('g')
  await page.keyboard.press('m')
  await expect(h1(page, 'Models')).toBeFocused()
  await press(page, page.getByRole('button', { name: `More for ${suffix}` }))
  const remove = page.getByRole('menuitem', { name: 'Delete' })
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press('ArrowDown')
    await expect(page.getByRole('menuitem').and(page.locator(':focus'))).toHaveCount(1)
    if (await remove.evaluate((item) => item === document.activeElement)) break
  }
  await expect(remove).toBeFocused()
  await page.keyboard.press('Enter')
  const sure = page.getByRole('dialog')
  const name = (await sure.locator('code').first().textContent()) ?? ''
  await write(page, sure.getByLabel('Type the name to confirm'), name)
  await page.keyboard.press('Enter')
  await expect(page.getByText(/^Deleted /)).toBeVisible()
  await expect(page.getByRole('button', { name: `More for ${suffix}` })).toHaveCount(0)
  await expect(page.getByRole('heading').and(page.locator(':focus'))).toHaveCount(1)
})

test('C: SFT with tools, then DPO on top of it', async ({ page, baseURL }) => {
  await uploaded(baseURL as string, 'unaided-gates.jsonl', jsonl(toolRows(12)))
  await enter(page, '/console/jobs/new')
  await newest(page, 'Training data')
  await create(page, 'unaided-gates', 1)
  await succeeded(page)
  await uploaded(baseURL as string, 'unaided-preferred.jsonl', jsonl(preferences(12)))
  await reach(page, page.getByRole('tab', { name: 'Metrics' }))
  for (const key of ['ArrowRight', 'ArrowRight']) await page.keyboard.press(key)
  await press(page, page.getByRole('link', { name: /^Fine-tune from here/ }))
  await reach(page, creating(page).getByRole('radio', { name: 'Supervised' }))
  await page.keyboard.press('ArrowRight')
  await expect(creating(page).getByRole('radio', { name: 'Direct preference' })).toBeChecked()
  await newest(page, 'Training data')
  await write(page, creating(page).getByLabel('Beta: Value'), '0.1')
  await create(page, 'unaided-preferred', 1)
  await succeeded(page)
  await expect(
    page.getByRole('group', { name: 'Reward margin', exact: true }).locator('canvas'),
  ).toBeVisible()
})

test('D: the base with a long prompt, the tuned model with a short one, then both in turn', async ({
  page,
  baseURL,
}) => {
  const url = baseURL as string
  await endedJob(url, await createdJob(url, { suffix: 'unaided-desk', hyperparameters: { n_epochs: 1 } }))
  const system = page.getByRole('textbox', { name: 'System prompt' })
  const ask = async (prompt: string) => {
    await reach(page, system)
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(prompt)
    await write(page, message(page), 'Where is gate B12?')
    await page.keyboard.press('Enter')
    await answered(page, 1)
    return Number(/(\d+) in/.exec((await answers(page).first().textContent()) ?? '')?.[1])
  }
  await enter(page, '/console/playground?m=nano&t=0&max=16')
  const long = await ask('You stand at the information desk of an airport. '.repeat(12))
  await press(page, page.getByRole('button', { name: 'Clear', exact: true }))
  await expect(answers(page)).toHaveCount(0)
  await reach(page, page.getByRole('combobox', { name: 'Model' }))
  await page.keyboard.type('unaided-desk')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue(/unaided-desk/)
  expect(await ask('Airport desk.')).toBeLessThan(long / 3)
  await press(page, page.getByRole('button', { name: 'Compare with its base' }))
  await reach(page, page.getByRole('radio', { name: 'Together' }))
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('radio', { name: 'In turn' })).toBeChecked()
  await press(page, page.getByRole('button', { name: 'Answer again: Playground' }))
  await answered(page, 2)
  await expect(answers(page).last()).toContainText(/to the first token/)
})

test('E: prompts are converted, trained on, and tried again with more epochs', async ({ page }) => {
  await bring(page, onDisk(`unaided-${Date.now()}.jsonl`, jsonl(prompts())))
  await press(page, page.getByRole('button', { name: 'Convert to messages' }))
  await expect(page.getByText(/^Made unaided-.+: 40 rows$/)).toBeVisible()
  await press(page, page.getByRole('link', { name: 'Fine-tune', exact: true }))
  await create(page, 'unaided-course', 1)
  await succeeded(page)
  const before = page.url()
  await press(page, page.getByRole('link', { name: 'Duplicate' }))
  await expect(creating(page).getByLabel('Suffix')).toHaveValue('unaided-course')
  await write(page, creating(page).getByLabel('Epochs: Value'), '2')
  await expect(creating(page).getByText('changed', { exact: true })).toHaveCount(1)
  await page.keyboard.press('Control+Enter')
  await expect(page).not.toHaveURL(before)
  await succeeded(page)
  // looking through the choices takes none of them; typing finds one
  const beside = page.getByRole('combobox', { name: 'Compare with another job' })
  await reach(page, beside)
  for (const key of ['ArrowDown', 'ArrowDown', 'Escape']) await page.keyboard.press(key)
  await expect(page).not.toHaveURL(/vs=/)
  await page.keyboard.type(before.split('/').at(-1)?.split('?')[0] as string)
  await page.keyboard.press('Enter')
  await expect(beside).toBeFocused()
  await expect(page.getByRole('row', { name: /^Epochs/ })).toContainText(/2.*1/)
  await press(page, page.getByRole('button', { name: 'Remove unaided-course from the comparison' }))
  await expect(page.getByRole('heading', { name: 'Compare', exact: true })).toBeFocused()
})

/** Somebody brings data with faults, sees each of them, mends it, and sees what would be trained on. */
import { readFileSync } from 'node:fs'
import { expect, sample, signIn, test } from './people'
import { call, uploaded } from './tuned'

const GOOD = readFileSync(sample('marv/train.jsonl'), 'utf8').trim().split('\n')
const faulty = [...GOOD]
faulty[3] = '{"messages": [{"role": "user", "content": "Nobody answers."}]}'
faulty[6] = '{"messages": [{"role": "user", "content": "?"}, {"role": "robot", "content": "Beep."}]}'
faulty[9] = '{"messages": ['

const MENDED = `mended-${Date.now()}.jsonl`

const file = (name: string, lines: string[]) => ({
  name,
  mimeType: 'application/jsonl',
  buffer: Buffer.from(`${lines.join('\n')}\n`),
})

test('a file with faults shows each with its line and what to do; a good one shows what is trained on', async ({
  page,
}) => {
  await signIn(page, '/console/datasets')
  const chooser = page.locator('input[type=file]')

  // what is plainly wrong does not even travel
  await chooser.setInputFiles(file('array.jsonl', ['[{"messages": []}]']))
  await expect(page.getByText('This is one JSON array.')).toBeVisible()
  await chooser.setInputFiles(file('late-faults.jsonl', faulty))
  await expect(page.getByText('Line 10 is not JSON.')).toBeVisible()

  faulty[9] = '{"messages": []}'
  await chooser.setInputFiles(file('three-faults.jsonl', faulty))
  await page
    .getByRole('listitem')
    .filter({ hasText: 'three-faults' })
    .getByRole('link', { name: 'Open' })
    .click()
  await expect(page.getByRole('heading', { name: '3 problems stop a job' })).toBeVisible()
  for (const line of [4, 7, 10])
    await expect(page.getByRole('link', { name: `Line ${line}`, exact: true })).toBeVisible()

  // the very spot in the line
  await expect(page.getByRole('listitem').filter({ hasText: 'Line 7' }).locator('mark')).toHaveText('"robot"')
  // by keyboard to the second one, and on to its row
  await page.keyboard.press('n')
  await page.keyboard.press('n')
  await page.keyboard.press('Enter')
  const row = page.getByRole('article', { name: 'Line 7', exact: true })
  await expect(row).toBeFocused()
  await expect(row.locator('pre mark')).toHaveText('"robot"')

  await page.getByRole('link', { name: 'Datasets' }).first().click()
  await page.locator('input[type=file]').setInputFiles(file(MENDED, GOOD))
  await page.getByRole('listitem').filter({ hasText: MENDED }).getByRole('link', { name: 'Open' }).click()
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible()
  await page.getByRole('tab', { name: /Rows/ }).click()
  const first = page.getByRole('article', { name: 'Line 1', exact: true })
  await expect(first.getByText(/\d+ trained of \d+ tokens/)).toBeVisible()
  const { messages } = JSON.parse(GOOD[0] as string) as { messages: { role: string; content: string }[] }
  await expect(first.locator('mark')).toContainText(messages.at(-1)?.content ?? '')
  await expect(first.locator('mark')).not.toContainText(messages[1]?.content ?? '')

  // the row in focus shows its tokens; the last row of a page leads to the next page
  await expect(first.locator('[data-token]')).toHaveCount(0)
  await page.keyboard.press(']')
  await expect(first).toBeFocused()
  await expect(first.locator('[data-token]').nth(5)).toBeVisible()
  for (let line = 1; line <= 20; line++) await page.keyboard.press(']')
  const next = page.getByRole('article', { name: 'Line 21', exact: true })
  await expect(next).toBeFocused()
  await expect(first).toHaveCount(0)
  await page.keyboard.press('[')
  await expect(page.getByRole('article', { name: 'Line 20', exact: true })).toBeFocused()
  await expect(page.getByRole('button', { name: 'Previous rows' })).toHaveAccessibleDescription(
    'These are the first ones.',
  )
  await page.getByRole('tab', { name: 'Tokens' }).click()
  await expect(page.getByText('Context of the model')).toBeVisible()
  await expect(page.getByText(/^[\d.KM]+ trained tokens, about .+ epochs\.$/)).toBeVisible()
  await expect(page.getByText('The context ends behind all rows')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Rows by their messages' })).toBeVisible()

  await page.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Type the name to confirm').fill(MENDED)
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { name: 'Datasets', level: 1 })).toBeVisible()
  await expect(page.getByRole('link', { name: MENDED })).toHaveCount(0)
  // no way back shows it as if it were there
  await page.goBack()
  await expect(page.getByRole('alert')).toContainText('No such File object')
  await expect(page.getByRole('button', { name: 'Delete' })).toHaveCount(0)
})

test('a question about one file does not follow to another', async ({ page, baseURL }) => {
  const one = await uploaded(baseURL as string, 'asked-one.jsonl', `${GOOD.join('\n')}\n`)
  const two = await uploaded(baseURL as string, 'asked-two.jsonl', `${GOOD.join('\n')}\n`)
  const title = (name: string) => page.getByRole('heading', { name, level: 1 })
  await signIn(page, `/console/datasets/${one}`)
  await expect(title('asked-one.jsonl')).toBeVisible()
  // from one straight to the other, as after a conversion
  await page.evaluate((id) => {
    history.pushState({ key: 'two', idx: 9 }, '', `/console/datasets/${id}`)
    dispatchEvent(new PopStateEvent('popstate', { state: history.state }))
  }, two)
  await expect(title('asked-two.jsonl')).toBeVisible()
  await page.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.goBack()
  await expect(title('asked-one.jsonl')).toBeVisible()
  await expect(page.getByRole('dialog')).toHaveCount(0)
})

test('a report names rows of the same words, and n leads to problems that are not shown yet', async ({
  page,
  baseURL,
}) => {
  const lines = [...GOOD, ...Array.from({ length: 12 }, () => '{"messages": []}')]
  const words = GOOD[0] as string
  lines.splice(
    1,
    0,
    words.toUpperCase().replaceAll(/"[A-Z]+":|"(SYSTEM|USER|ASSISTANT)"/g, (key) => key.toLowerCase()),
  )
  const id = await uploaded(baseURL as string, 'many-faults.jsonl', `${lines.join('\n')}\n`)
  await signIn(page, `/console/datasets/${id}`)
  await expect(page.getByRole('heading', { name: '12 problems stop a job' })).toBeVisible()
  await expect(page.getByText('One row has the same letters and digits as an earlier one.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Show 4 more' })).toBeVisible()
  for (let n = 1; n <= 9; n++) await page.keyboard.press('n')
  await expect(page.getByRole('link', { name: `Line ${GOOD.length + 10}`, exact: true })).toBeFocused()
  await page.getByRole('button', { name: 'View code' }).click()
  await expect(page.getByRole('dialog')).toContainText(`/files/${id}/report`)
})

test('pages of files lead to older ones and back', async ({ page, baseURL }) => {
  const mark = `pages-${Date.now()}`
  const form = (n: number) => {
    const data = new FormData()
    data.append('purpose', 'user_data')
    data.append('file', new Blob(['text']), `${mark}-${n}.txt`)
    return data
  }
  for (let n = 0; n < 51; n++) await call(baseURL as string, '/files', { method: 'POST', body: form(n) })
  await signIn(page, `/console/datasets?q=${mark}`)
  await expect(page.getByRole('row')).toHaveCount(51)
  const newer = page.getByRole('button', { name: 'Newer' })
  await expect(newer).toHaveAccessibleDescription('There are no newer ones.')
  await page.getByRole('link', { name: 'Older' }).click()
  await expect(page.getByRole('row')).toHaveCount(2)
  await expect(page.getByRole('button', { name: 'Older' })).toHaveAccessibleDescription(
    'There are no older ones.',
  )
  await page.getByRole('link', { name: 'Newer' }).click()
  await expect(page.getByRole('row')).toHaveCount(51)
  await expect(page).toHaveURL(/before=file-/)
  await expect(newer).toHaveAttribute('aria-disabled', 'true')
})

test('the list tells of each file what is in it and whether a job takes it, without anybody opening it', async ({
  page,
  baseURL,
}) => {
  const lines = (all: string[]) => `${all.join('\n')}\n`
  const mark = `list-${Date.now()}`
  await uploaded(baseURL as string, `${mark}-good.jsonl`, lines(GOOD))
  await uploaded(baseURL as string, `${mark}-few.jsonl`, lines(GOOD.slice(0, 5)))
  await uploaded(baseURL as string, `${mark}-bad.jsonl`, lines(['{"messages": []}', ...GOOD]))
  await signIn(page, '/console/datasets')
  await page.getByRole('searchbox', { name: 'Find by name or id' }).fill(mark)
  await expect(page.getByRole('row')).toHaveCount(4)
  const row = (name: string) => page.getByRole('row').filter({ hasText: `${mark}-${name}` })
  await expect(row('good')).toContainText('ok')
  await expect(row('good')).toContainText('SFT')
  await expect(row('good').getByRole('cell', { name: `${GOOD.length}`, exact: true })).toBeVisible()
  await expect(row('few')).toContainText('too few rows')
  await row('bad').getByRole('link', { name: '1 error' }).click()
  await expect(page.getByRole('heading', { name: 'One problem stops a job' })).toBeVisible()
})

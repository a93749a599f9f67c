/** Somebody brings data with faults, sees each of them, mends it, and sees what would be trained on. */
import { readFileSync } from 'node:fs'
import { expect, sample, signIn, test } from './people'
import { uploaded } from './tuned'

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

  // by keyboard to the second one, and on to its row
  await page.keyboard.press('n')
  await page.keyboard.press('n')
  await page.keyboard.press('Enter')
  const row = page.getByRole('article', { name: 'Line 7', exact: true })
  await expect(row).toBeFocused()
  await expect(row).toContainText('robot')

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
  await page.getByRole('tab', { name: 'Tokens' }).click()
  await expect(page.getByText('Context of the model')).toBeVisible()

  await page.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Type the name to confirm').fill(MENDED)
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { name: 'Datasets', level: 1 })).toBeVisible()
  await expect(page.getByRole('link', { name: MENDED })).toHaveCount(0)
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

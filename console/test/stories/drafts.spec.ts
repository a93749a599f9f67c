/** Somebody reads answers, saves what is right and what is better, and trains on it. */
import { readFileSync } from 'node:fs'
import { fingerprint } from '../../app/lib/fingerprint'
import { answers, ask, rewrite, saveFocused } from './drafting'
import { expect, KEY, signIn, test } from './people'
import { call, tunedModel, uploaded } from './tuned'

const QUESTIONS = [
  'What is the capital of France?',
  'Who wrote Hamlet?',
  'How many legs has a spider?',
  'What colour is the sky?',
  'How far away is the moon?',
  'What is the largest ocean?',
  'Who painted the Mona Lisa?',
  'How many days has a week?',
  'What is the boiling point of water?',
  'Which planet is nearest to the sun?',
]
const content = async (baseURL: string, file: string) => {
  const answer = await fetch(`${baseURL}/v1/files/${file}/content`, {
    headers: { authorization: `Bearer ${KEY}` },
  })
  return (await answer.text()).trim().split('\n')
}

test('ten judgements by keyboard become a file of comparisons, and a job learns from it', async ({
  page,
  baseURL,
}) => {
  test.setTimeout(500_000)
  const tuned = await tunedModel(baseURL as string)
  await signIn(page, `/console/playground?m=${encodeURIComponent(tuned)}&m=nano&t=0&max=24&seed=1`)
  for (const [index, question] of QUESTIONS.entries()) {
    await ask(page, question, 2)
    // two that say the same teach nothing, and the button says so
    const better = page.getByRole('button', { name: 'A is better' })
    if (await better.getAttribute('aria-disabled')) {
      await expect(better).toHaveAccessibleDescription(/teaches nothing|no answer/)
      await rewrite(page, 0, `${question} Really?`)
    }
    await page.keyboard.press('Shift+Tab') // out of the field, where a 1 is a 1
    await page.keyboard.press('1')
    await expect(answers(page).first()).toBeFocused()
    await page.keyboard.press('b')
    await expect(page.getByText(/A is better\. Saved in “comparisons”/)).toContainText(
      index < 9 ? `${index + 1} of 10 rows needed` : '10 rows',
    )
  }
  // once more is once too often; taken back, it is gone
  await page.keyboard.press('b')
  await expect(page.getByRole('alert')).toContainText('This very row is in the draft already.')

  // an answer is corrected before it is saved
  await page.keyboard.press('s')
  const dialog = page.getByRole('dialog', { name: 'Save as row' })
  await expect(dialog).toContainText(QUESTIONS[9] as string)
  const answer = dialog.getByRole('textbox', { name: 'Answer to learn' })
  await expect(answer).toBeFocused()
  await answer.fill('Mercury. You are welcome.')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByText('Saved in “answers”: 1 of 10 rows needed')).toBeVisible()

  await expect(page.getByRole('link', { name: 'Datasets (11 rows not uploaded)' })).toBeVisible()
  await page.getByRole('link', { name: /^Datasets/ }).click()
  const drafts = page.getByRole('region', { name: 'Drafts' })
  await expect(drafts.getByRole('listitem')).toHaveCount(2)
  await drafts.getByRole('link', { name: 'comparisons' }).click()
  await expect(page.getByRole('article')).toHaveCount(10)

  // it is still there tomorrow
  await page.reload()
  await expect(page.getByText('10 rows, enough for a job')).toBeVisible()
  await page.getByRole('button', { name: 'Edit row 1', exact: true }).click()
  await page.getByRole('textbox', { name: 'Preferred', exact: true }).fill('Paris. Obviously.')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('article', { name: 'Row 1', exact: true })).toContainText('Paris. Obviously.')
  await page.getByRole('button', { name: 'Delete row 2', exact: true }).click()
  await expect(page.getByText('9 of 10 rows needed')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Upload as file' })).toHaveAccessibleDescription(/9/)
  await expect(page.getByRole('button', { name: 'Undo' })).toBeFocused()
  await page.keyboard.press('Control+z')
  await expect(page.getByRole('article', { name: 'Row 2', exact: true })).toContainText('Hamlet')

  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download JSONL' }).click(),
  ])
  expect(saved.suggestedFilename()).toBe('comparisons.jsonl')
  const downloaded = readFileSync(await saved.path(), 'utf8')
    .trim()
    .split('\n')

  await page.getByRole('button', { name: 'Upload as file' }).click()
  const create = page.getByRole('dialog')
  await expect(create.getByRole('radio', { name: 'Direct preference' })).toBeChecked()
  const file = new URL(page.url()).searchParams.get('file') as string
  const lines = await content(baseURL as string, file)
  expect(lines).toEqual(downloaded)
  expect(lines).toHaveLength(10)
  for (const line of lines)
    expect(Object.keys(JSON.parse(line))).toEqual(['input', 'preferred_output', 'non_preferred_output'])
  await create.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(page).toHaveURL(/\/jobs\/ftjob-/)
  const job = new URL(page.url()).pathname.split('/').at(-1)
  await expect(async () => {
    const now = await call<{ status: string; method: { type: string } }>(
      baseURL as string,
      `/fine_tuning/jobs/${job}`,
    )
    expect(now.method.type).toBe('dpo')
    expect(now.status).toBe('succeeded')
  }).toPass({ timeout: 300_000, intervals: [2_000] })

  await page.goto('/console/datasets/draft/comparisons')
  await expect(page.getByRole('link', { name: 'comparisons.jsonl' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'Datasets (1 row not uploaded)' })).toBeVisible()
})

test('a row is text and nothing else, a draft holds one kind, and what is deleted comes back', async ({
  page,
}) => {
  const script = '<img src=x onerror="window.broken=1">\u202Etxt.exe'
  await signIn(page, '/console/playground?m=nano&m=nano&max=4')
  await ask(page, script, 2)
  await rewrite(page, 0, 'A calm answer.')
  await rewrite(page, 1, script)
  await page.keyboard.press('2')
  await page.keyboard.press('s')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('region', { name: 'What was asked' })).toContainText('⟨U+202E⟩')
  // a name that no file could have
  const name = dialog.getByRole('textbox', { name: /Draft|Name of the new draft/ })
  await name.fill('../<b>')
  await page.keyboard.press('Control+Enter')
  await expect(dialog.getByRole('alert')).toBeVisible()
  await name.fill('airport desk')
  await page.keyboard.press('Control+Enter')
  await expect(dialog).toHaveCount(0)

  // the model's own words beside what somebody wrote instead
  await page.keyboard.press('s')
  await dialog.getByRole('textbox', { name: 'Answer to learn' }).fill('What I would have said.')
  await dialog.getByText('Correction (DPO)').click()
  await dialog.getByRole('button', { name: 'Save row' }).click()
  await expect(dialog).toHaveCount(0)

  await page.goto('/console/datasets/draft/airport%20desk')
  const row = page.getByRole('article', { name: 'Row 1', exact: true })
  await expect(row).toContainText('<img src=x onerror="window.broken=1">⟨U+202E⟩txt.exe')
  expect(await page.locator('main img').count()).toBe(0)
  expect(await page.evaluate(() => 'broken' in window)).toBe(false)

  // the other kind does not go in, however it is written
  await page.getByRole('button', { name: 'Edit row 1', exact: true }).click()
  await dialog.getByText('JSON', { exact: true }).click()
  const json = dialog.getByRole('textbox', { name: /as it will stand/ })
  const pair = {
    input: { messages: [{ role: 'user', content: 'a' }] },
    preferred_output: [{ role: 'assistant', content: 'b' }],
    non_preferred_output: [{ role: 'assistant', content: 'c' }],
  }
  await json.fill(JSON.stringify(pair))
  await page.keyboard.press('Control+Enter')
  await expect(dialog.getByRole('alert')).toContainText('stays of its kind')
  await json.fill('{"messages": [')
  await page.keyboard.press('Control+Enter')
  await expect(dialog.getByRole('alert')).toContainText('This is not JSON.')
  await json.fill('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]}')
  await page.keyboard.press('Control+Enter')
  await expect(dialog.getByRole('alert')).toContainText('messages[1].content is empty.')
  page.once('dialog', (asked) => asked.accept())
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)

  await page.getByRole('button', { name: 'Rename' }).click()
  await dialog.getByRole('textbox', { name: 'Name' }).fill('desk 4')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'desk 4', level: 1 })).toBeVisible()
  await expect(page).toHaveURL(/\/draft\/desk%204$/)
  await page.getByRole('button', { name: 'Delete draft' }).click()
  await expect(page.getByText('The draft “desk 4” was deleted.')).toBeVisible()

  // another one goes too; each page brings back its own
  await page.getByRole('link', { name: 'comparisons', exact: true }).click()
  await page.getByRole('button', { name: 'Delete draft' }).click()
  await expect(page.getByText('The draft “comparisons” was deleted.')).toBeVisible()
  await page.goBack()
  await expect(page.getByText('The draft “desk 4” was deleted.')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByRole('heading', { name: 'desk 4', level: 1 })).toBeVisible()
  await expect(page.getByRole('article')).toHaveCount(1)
  await page.goForward()
  await expect(page.getByText('The draft “comparisons” was deleted.')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByRole('heading', { name: 'comparisons', level: 1 })).toBeVisible()

  // a bracket is a bracket also where a keyboard has it on AltGr, and none where they are turned off
  const bracket = () =>
    page.evaluate(() => {
      const how = { key: ']', ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true }
      document.body.dispatchEvent(new KeyboardEvent('keydown', how))
    })
  await expect(async () => {
    await bracket()
    await expect(page.getByRole('article').first()).toBeFocused({ timeout: 500 })
  }).toPass({ timeout: 10_000 })
  await page.getByRole('link', { name: 'Settings' }).click()
  await page.getByLabel('Single-letter shortcuts').uncheck()
  await page.goBack()
  await expect(page.getByRole('article')).toHaveCount(1)
  await bracket()
  await page.keyboard.press(']')
  await expect(page.getByRole('article').first()).not.toBeFocused()
})

test('another tab sees a draft at once, another person’s key never does', async ({
  page,
  context,
  baseURL,
}) => {
  await signIn(page, '/console/playground?m=nano&max=4')
  const tab = await context.newPage()
  await tab.goto('/console/datasets')
  await expect(tab.getByRole('heading', { name: 'Datasets', level: 1 })).toBeVisible()
  await ask(page, 'Is anybody there?', 1)
  await rewrite(page, 0, 'Yes.')
  await saveFocused(page)
  await expect(tab.getByRole('region', { name: 'Drafts' })).toContainText('1 of 10 rows needed')
  await tab.close()

  const headers = { 'content-type': 'application/json' }
  const post = <T>(path: string, name: string) =>
    call<T>(baseURL as string, path, { method: 'POST', headers, body: JSON.stringify({ name }) })
  const { id } = await post<{ id: string }>('/organization/projects', `second ${Date.now()}`)
  const { value } = await post<{ value: string }>(`/organization/projects/${id}/api_keys`, 'second')
  const become = async (key: string) => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('API key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
  }
  await become(value)
  await page.goto('/console/datasets')
  await expect(page.getByRole('heading', { name: 'No files yet' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Drafts' })).toHaveCount(0)
  await page.goto('/console/datasets/draft/answers')
  await expect(page.getByRole('heading', { name: 'There is no such draft' })).toBeVisible()
  await become(KEY)
  const row = page.getByRole('article', { name: 'Row 1', exact: true })
  await page.goto('/console/datasets/draft/answers')
  await expect(row).toContainText('Yes.')

  // a key ends, its drafts do not: the project's next one has them, also those that an older console kept by key
  const told = await fetch(`${baseURL}/v1/models`, { headers: { authorization: `Bearer ${KEY}` } })
  const first = told.headers.get('openai-project')
  const next = await post<{ value: string }>(`/organization/projects/${first}/api_keys`, 'next')
  await become(next.value)
  await page.goto('/console/datasets/draft/answers')
  await expect(row).toContainText('Yes.')
  await page.evaluate(
    (owner) =>
      new Promise<void>((done) => {
        const opening = indexedDB.open('tunesmith.drafts')
        opening.onsuccess = () => {
          const kept = opening.result.transaction('drafts', 'readwrite').objectStore('drafts')
          const reading = kept.getAll()
          reading.onsuccess = () => {
            for (const draft of reading.result) kept.put({ ...draft, owner })
          }
          kept.transaction.oncomplete = () => done()
        }
      }),
    fingerprint(next.value),
  )
  await page.reload()
  await expect(row).toContainText('Yes.')
  await become(KEY)
  await page.goto('/console/datasets/draft/answers')
  await expect(row).toContainText('Yes.')
})

test('a file of prompts and completions becomes one of messages', async ({ page, baseURL }) => {
  const rows = Array.from({ length: 12 }, (_, index) => ({
    prompt: `What is ${index}?`,
    completion: ` ${index}!`,
  }))
  const text = rows.map((row) => JSON.stringify(row)).join('\n')
  const id = await uploaded(baseURL as string, 'older.jsonl', text)
  await signIn(page, `/console/datasets/${id}`)
  await page.getByRole('button', { name: 'Convert to messages' }).click()
  await expect(page.getByRole('heading', { name: 'older-messages.jsonl', level: 1 })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Convert to messages' })).toHaveCount(0)
  const made = new URL(page.url()).pathname.split('/').at(-1) as string
  expect((await content(baseURL as string, made)).map((line) => JSON.parse(line))).toEqual(
    rows.map(({ prompt, completion }) => ({
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: completion },
      ],
    })),
  )

  // where a row has a fault, it says so first
  const faulty = await uploaded(baseURL as string, 'faulty.jsonl', `${text}\n{"prompt": "alone"}\n`)
  await page.goto(`/console/datasets/${faulty}`)
  const button = page.getByRole('button', { name: 'Convert to messages' })
  await expect(button).toHaveAccessibleDescription(/Mend the problems first/)
})

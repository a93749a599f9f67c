/** Two people, two keys, one server: what is one's own is nobody else's, however it is asked for. */
import { readFileSync } from 'node:fs'
import { expect, KEY, type Page, sample, signIn, test } from './people'
import { call, createdJob, endedJob, uploaded } from './tuned'

type Named = { id: string; value: string }

/** All that the server tells a page from now on; `read` waits until everything that is under way has arrived. */
function heardBy(page: Page): { answers: string[]; read: () => Promise<void> } {
  const answers: string[] = []
  const lost: string[] = []
  let underWay = 0
  const ended = () => {
    underWay -= 1
  }
  page.on('request', () => {
    underWay += 1
  })
  page.on('requestfailed', ended)
  page.on('requestfinished', async (request) => {
    if (request.url().includes('/v1/')) {
      const response = await request.response()
      await response?.text().then(
        (text) => answers.push(text),
        () => lost.push(request.url()),
      )
    }
    ended()
  })
  const read = async () => {
    await expect.poll(() => underWay).toBe(0)
    expect(lost).toEqual([])
  }
  return { answers, read }
}

test('a second project sees no job, file, model or key of the first, by list or by link', async ({
  page,
  browser,
  baseURL,
}) => {
  const url = baseURL as string
  const send = (path: string, body: object) =>
    call<Named & { api_key?: { value: string } }>(url, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const project = await send('/organization/projects', { name: `other ${Date.now()}` })
  const account = await send(`/organization/projects/${project.id}/service_accounts`, { name: 'the other' })
  const theirKey = account.api_key?.value ?? ''
  expect(theirKey).toMatch(/^sk-/)

  const mine = `mine-${Date.now()}`
  const file = await uploaded(url, `${mine}.jsonl`, readFileSync(sample('marv/train.jsonl')))
  const id = await createdJob(url, { suffix: mine, training: file, hyperparameters: { n_epochs: 1 } })
  const job = await endedJob(url, id)
  const model = job.fine_tuned_model as string
  await signIn(page, `/console/jobs/${id}`)
  await expect(page.getByRole('heading', { name: mine, level: 1 })).toBeVisible()

  const context = await browser.newContext()
  const other = await context.newPage()
  const { answers, read } = heardBy(other)
  const open = async (address: string) => {
    await read() // the browser forgets what an answer held once its page has gone
    await other.goto(address)
  }
  await open(`${url}/console`)
  await other.getByLabel('API key').fill(theirKey)
  await other.keyboard.press('Enter')
  await expect(
    other.getByRole('heading', { name: 'Your own model in a few minutes', level: 1 }),
  ).toBeVisible()
  for (const [path, sentence] of [
    ['jobs', 'No model has been tuned yet'],
    ['datasets', 'No files yet'],
    ['models', 'No model has been tuned yet'],
  ] as const) {
    await open(`${url}/console/${path}`)
    await expect(other.getByRole('heading', { name: sentence })).toBeVisible()
  }
  for (const path of [`jobs/${id}`, `datasets/${file}`, `jobs/${id}?tab=events`]) {
    await open(`${url}/console/${path}`)
    await expect(other.getByRole('alert').first()).toContainText(/no such thing|no longer there/i)
  }
  await open(`${url}/console/playground?m=${encodeURIComponent(model)}`)
  await other.getByRole('textbox', { name: 'Message' }).fill('Who are you?')
  await other.keyboard.press('Enter')
  await expect(other.getByRole('alert')).toContainText('There is no such model.')
  await open(`${url}/console/keys`)
  await expect(other.getByText('Keys and projects are managed with an admin key.')).toBeVisible()

  await read()

  // the server's refusals repeat what was asked for; nothing else of the first project went over the wire
  const asked = [id, file, model]
  const without = (text: string) => asked.reduce((left, one) => left.replaceAll(one, ''), text)
  const { data: events } = await call<{ data: { message: string }[] }>(url, `/fine_tuning/jobs/${id}/events`)
  const secrets = [KEY, mine, ...job.result_files, ...events.map((event) => without(event.message))]
  expect(secrets.length).toBeGreaterThan(5)
  expect(answers.length).toBeGreaterThan(10)
  const told = without(answers.join('\n'))
  expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
  await context.close()
})

/** Two people, two keys, one server: what is one's own is nobody else's, however it is asked for. */
import { expect, faultsOf, KEY, signIn, test } from './people'
import { call, createdJob, endedJob, uploadedSample } from './tuned'

type Named = { id: string; value: string }

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

  const file = await uploadedSample(url, 'train')
  const id = await createdJob(url, { suffix: 'mine', training: file, hyperparameters: { n_epochs: 1 } })
  const job = await endedJob(url, id)
  const model = job.fine_tuned_model as string
  await signIn(page, `/console/jobs/${id}`)
  await expect(page.getByRole('heading', { name: 'mine', level: 1 })).toBeVisible()

  const context = await browser.newContext()
  const other = await context.newPage()
  const faults = faultsOf(other)
  const answers: string[] = []
  other.on('response', async (response) => {
    if (response.url().includes('/v1/')) answers.push(await response.text().catch(() => ''))
  })
  await other.goto(`${url}/console`)
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
    await other.goto(`${url}/console/${path}`)
    await expect(other.getByRole('heading', { name: sentence })).toBeVisible()
  }
  for (const path of [`jobs/${id}`, `datasets/${file}`, `jobs/${id}?tab=events`]) {
    await other.goto(`${url}/console/${path}`)
    await expect(other.getByRole('alert').first()).toContainText(/no such thing|no longer there/i)
  }
  await other.goto(`${url}/console/playground?m=${encodeURIComponent(model)}`)
  await other.getByRole('textbox', { name: 'Message' }).fill('Who are you?')
  await other.keyboard.press('Enter')
  await expect(other.getByRole('alert')).toContainText('There is no such model.')
  await other.goto(`${url}/console/keys`)
  await expect(other.getByText('Keys and projects are managed with an admin key.')).toBeVisible()

  // the server's refusals repeat what was asked for; nothing else of the first project went over the wire
  const told = answers.join('\n')
  expect(told).not.toContain(KEY)
  for (const secret of [job.result_files[0] as string]) expect(told).not.toContain(secret)
  expect(faults).toEqual([])
  await context.close()
})

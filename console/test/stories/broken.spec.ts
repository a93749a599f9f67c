/** What a console has to show when something breaks: the worker is killed, or the server goes away and comes back. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page, sample, signIn, TRAINS_MS, test } from './people'
import { call, createdJob, csvRows, type Job, uploaded } from './tuned'

/** Where whoever runs the server is asked to stop or start it. */
const OPERATOR = process.env.OPERATOR ?? ''
/** After so long the trainer has kept a state to go on from: it does every 20 s. */
const KEPT_MS = 25_000

/** A job that takes some minutes on any machine: ten thousand steps. */
async function longJob(baseURL: string, suffix: string): Promise<string> {
  const rows = readFileSync(sample('marv/train.jsonl'), 'utf8').repeat(5)
  const training = await uploaded(baseURL, `${suffix}.jsonl`, rows)
  return createdJob(baseURL, { suffix, training, hyperparameters: { n_epochs: 50, batch_size: 1 } })
}

/** The processes that train a job, as the operating system lists them. */
function trainers(job: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return words.includes('tunesmith.workers.training') && words.includes(job)
      } catch {
        return false // it has just ended
      }
    })
    .map(Number)
}

async function step(page: Page): Promise<number> {
  const text = (await page.getByText(/^Step [\d,]+ of 10,000$/).textContent()) ?? ''
  return Number(/[\d,]+/.exec(text)?.[0]?.replace(',', ''))
}

async function cancelled(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click()
  await expect(page.getByRole('main').getByText('Cancelled').first()).toBeVisible()
}

async function operator(word: 'stop' | 'start'): Promise<void> {
  writeFileSync(join(OPERATOR, word), '')
  await expect.poll(() => existsSync(join(OPERATOR, word)), { timeout: TRAINS_MS }).toBe(false)
}

test('a killed worker is said with its step, training goes on by itself, and the curve has each step once', async ({
  page,
  baseURL,
}) => {
  const id = await longJob(baseURL as string, 'killed')
  await signIn(page, `/console/jobs/${id}`)
  await expect(page.getByText(/^Step [\d,]+ of 10,000$/)).toBeVisible({ timeout: TRAINS_MS })
  await expect.poll(() => step(page), { timeout: TRAINS_MS }).toBeGreaterThan(50)
  await page.waitForTimeout(KEPT_MS)
  const [trainer] = trainers(id)
  expect(trainer).toBeDefined()
  process.kill(trainer as number, 'SIGKILL')

  const story = page.getByRole('list', { name: 'What has happened' })
  await expect(story.getByText('Worker lost')).toBeVisible({ timeout: TRAINS_MS })
  await expect(story.getByText('Resumed')).toBeVisible({ timeout: TRAINS_MS })
  const before = await step(page)
  await expect.poll(() => step(page), { timeout: TRAINS_MS }).toBeGreaterThan(before)
  await page.getByRole('tab', { name: 'Events' }).click()
  await page.getByLabel('Level').selectOption('warn')
  await expect(
    page.getByRole('tabpanel').getByText(/Training was interrupted .+ it will go on from step \d+/),
  ).toBeVisible()
  await page.getByRole('tab', { name: 'Metrics' }).click()

  await expect(page.getByText(/^The broken line: /).first()).toBeVisible()
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV', exact: true }).click(),
  ])
  const rows = csvRows(Buffer.concat(await (await saved.createReadStream()).toArray()).toString())
  expect(rows.length).toBeGreaterThan(50)
  expect(rows.map((row) => row.step)).toEqual(rows.map((_, index) => index + 1))
  expect(rows.filter((row) => row.train_loss === null)).toEqual([])
  await cancelled(page)
})

test('while the server is away the page says how old it is, and it goes on by itself when the server is back', async ({
  page,
  baseURL,
}) => {
  test.skip(!OPERATOR, 'nobody is there to stop the server')
  const id = await longJob(baseURL as string, 'restarted')
  await signIn(page, `/console/jobs/${id}`)
  await expect(page.getByText(/^Step [\d,]+ of 10,000$/)).toBeVisible({ timeout: TRAINS_MS })
  await page.evaluate(() => Object.assign(window, { sameLife: true }))
  const before = await step(page)

  await operator('stop')
  await expect(page.getByText(/^Reconnecting; as of \d+:\d\d/)).toBeVisible()
  await expect(page.getByRole('group', { name: 'Loss', exact: true }).locator('canvas')).toBeVisible()
  expect(await step(page)).toBeGreaterThanOrEqual(before)
  // what is asked for now is refused in a sentence, and nothing of the page is lost
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByText('The server does not answer.').first()).toBeVisible()
  await expect(page.getByText(/^No step for/)).toHaveCount(0) // of that nobody knows now

  await operator('start')
  await expect(page.getByText(/^Reconnecting/)).toHaveCount(0, { timeout: TRAINS_MS })
  const back = await step(page)
  await expect.poll(() => step(page), { timeout: TRAINS_MS }).toBeGreaterThan(back)
  expect(await page.evaluate(() => 'sameLife' in window)).toBe(true)
  await cancelled(page)
  const { status } = await call<Job>(baseURL as string, `/fine_tuning/jobs/${id}`)
  expect(status).toBe('cancelled')
})

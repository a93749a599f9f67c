/** Somebody watches a job closely: looks at a stretch of its curve, puts lines away, compares it, and ends it. */
import { readFileSync } from 'node:fs'
import { expect, type Page, sample, signIn, TRAINS_MS, test } from './people'
import { createdJob, endedJob, uploaded } from './tuned'

declare global {
  interface Window {
    notices: string[]
  }
}

async function step(page: Page): Promise<number> {
  const text = (await page.getByText(/^Step [\d,]+ of 10,000$/).textContent()) ?? ''
  return Number(/[\d,]+/.exec(text)?.[0]?.replace(',', ''))
}

async function further(page: Page, by = 0): Promise<void> {
  const from = await step(page)
  await expect.poll(() => step(page), { timeout: TRAINS_MS }).toBeGreaterThan(from + by)
}

test('a comparison says whose each value is, and what it could not read', async ({
  page,
  context,
  baseURL,
}) => {
  const url = baseURL as string
  const [own, other] = [
    await createdJob(url, { suffix: 'by-fours', hyperparameters: { n_epochs: 3, batch_size: 4 } }),
    await createdJob(url, {
      suffix: 'by-sevens',
      validation: null,
      hyperparameters: { n_epochs: 3, batch_size: 7 },
    }),
  ]
  await endedJob(url, own)
  await endedJob(url, other)
  const listed: string[] = []
  page.on('request', (request) => {
    if (/\/v1\/fine_tuning\/jobs\?/.test(request.url())) listed.push(request.url())
  })
  await signIn(page, `/console/jobs/${own}?x=epoch&vs=${other},ftjob-none`)

  // what cannot be read is said, and can be taken out
  const lost = page.getByText(/^ftjob-none is not in the comparison: /)
  await expect(lost).toBeVisible()
  await page.getByRole('button', { name: 'Remove ftjob-none from the comparison' }).click()
  await expect(lost).toHaveCount(0)
  await expect(page).toHaveURL(new RegExp(`vs=${other}(&|$)`))

  // between two points of a job its last one is read, with its own place
  const loss = page
    .locator('figure')
    .filter({ has: page.getByRole('heading', { name: 'Loss', exact: true }) })
  await expect(loss.locator('canvas')).toBeVisible()
  const values = async () => (await loss.locator('li > span').allTextContents()).filter(Boolean)
  await loss.getByRole('group').press('End')
  await loss.getByRole('group').press('ArrowLeft')
  await expect.poll(async () => (await values()).length).toBeGreaterThanOrEqual(2)
  expect((await values()).some((text) => / at \d/.test(text))).toBe(true)
  await expect(loss.locator('figcaption')).toContainText(/by-fours, training: .+ by-sevens, training: /)
  await expect(loss.getByRole('button', { name: 'by-sevens (no validation)' })).toBeVisible()

  // the table and the file hold both
  await loss.getByRole('group').press('t')
  const table = page.getByRole('table', { name: 'The metrics of each step of by-fours, by-sevens' })
  await expect(table.getByRole('row').nth(1)).toContainText('by-fours')
  await expect(table.getByRole('row').nth(2)).toContainText('by-sevens')
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV', exact: true }).click(),
  ])
  const csv = Buffer.concat(await (await saved.createReadStream()).toArray()).toString()
  expect(csv).toMatch(/^step,job,train_loss/)
  expect(csv).toMatch(/^1,by-fours,.+\n1,by-sevens,/m)

  // the names of others are asked for once; and nothing of an ended job is asked for until the network was away
  await page.waitForTimeout(5_000)
  expect(listed.filter((one) => one.includes('include=progress'))).toEqual([])
  expect(listed.length).toBeLessThanOrEqual(2)
  const again = page.waitForRequest((request) => request.url().endsWith(`/fine_tuning/jobs/${own}`))
  await context.setOffline(true)
  await context.setOffline(false)
  await again
})

test('while it trains nothing takes away what is typed or focused, and its end is told', async ({
  page,
  context,
  baseURL,
}) => {
  const rows = readFileSync(sample('marv/train.jsonl'), 'utf8').repeat(5)
  const training = await uploaded(baseURL as string, 'watched.jsonl', rows)
  const hyperparameters = { n_epochs: 50, batch_size: 1 }
  const id = await createdJob(baseURL as string, { suffix: 'watched', training, hyperparameters })
  await context.grantPermissions(['notifications'])
  // whoever looks at a screen sees them; a story reads what they say
  await page.addInitScript(() => {
    window.notices = []
    const { requestPermission } = Notification
    class Told {
      static permission = 'default'
      static requestPermission = () => requestPermission.call(Notification)
      constructor(title: string, { body }: { body: string }) {
        window.notices.push(`${title}: ${body}`)
      }
    }
    Object.assign(window, { Notification: Told })
  })
  await signIn(page, `/console/jobs/${id}`)
  await page.getByRole('button', { name: /^Notify me at the end/ }).click()
  await expect(page.getByRole('button', { name: /^Notify me at the end/ })).toHaveAttribute(
    'aria-pressed',
    'true',
  )
  await expect(page.getByText(/^Step [\d,]+ of 10,000$/)).toBeVisible({ timeout: TRAINS_MS })
  await expect(page.locator('link[rel=icon]')).toHaveAttribute('href', /^data:image\/svg/)

  await expect.poll(() => step(page), { timeout: TRAINS_MS }).toBeGreaterThan(20)
  // a field that has the focus is left alone, and one that was not touched changes nothing
  const from = page.getByLabel('Step: From')
  await from.fill('5')
  await further(page)
  await expect(from).toHaveValue('5')
  await from.press('Enter')
  await expect(page).toHaveURL(/r=5-(&|$)/)
  await page.getByLabel('Step: to').focus()
  await further(page)
  await page.keyboard.press('Tab')
  await further(page)
  await expect(page).toHaveURL(/r=5-(&|$)/)
  await page.getByRole('button', { name: 'All', exact: true }).click()
  await page.getByText('Epoch', { exact: true }).click()
  await page.getByLabel('Epoch: to').focus()
  await page.keyboard.press('Tab')
  await further(page)
  await expect(page).not.toHaveURL(/r=/)

  // the key that leads to the table leads back, to the chart that was left
  const accuracy = page.getByRole('group', { name: 'Token accuracy', exact: true })
  await accuracy.focus()
  await page.keyboard.press('t')
  await expect(page.getByRole('group', { name: 'The metrics of each step' }).first()).toBeFocused()
  await page.keyboard.press('t')
  await expect(accuracy).toBeFocused()

  // a line is put away, and the axis stays
  const loss = page
    .locator('figure')
    .filter({ has: page.getByRole('heading', { name: 'Loss', exact: true }) })
  const smoothed = loss.getByRole('button', { name: 'Training, smoothed' })
  await expect(smoothed).toHaveAttribute('aria-pressed', 'true')
  await loss.getByRole('group').press('End')
  const value = loss.getByRole('listitem').filter({ hasText: 'Training, smoothed' }).locator('> span')
  await expect(value).toHaveText(/\d/)
  await smoothed.click()
  await expect(smoothed).toHaveAttribute('aria-pressed', 'false')
  await expect(value).toHaveText('')
  await loss.getByRole('group').press('End')
  await expect(loss.locator('[aria-live]')).not.toContainText('smoothed')
  await expect(loss.locator('[aria-live]')).toContainText('Training')

  // what stays is named by its epochs
  await expect.poll(() => step(page), { timeout: TRAINS_MS }).toBeGreaterThan(420)
  await page.getByRole('tab', { name: 'Checkpoints' }).click()
  await expect(page.getByRole('columnheader', { name: 'Epoch' })).toBeVisible()
  await page.getByRole('button', { name: 'Cancel' }).click()
  const sure = page.getByRole('dialog', { name: 'Cancel this job?' })
  await expect(sure.getByText(/^Its checkpoints of epochs (\d+, )*\d+,? and \d+ stay/)).toBeVisible()
  await sure.getByRole('button', { name: 'Cancel the job' }).click()
  await expect(page.getByRole('main').getByText('Cancelled').first()).toBeVisible()
  await page.getByRole('button', { name: 'Pause' }).hover()
  await expect(page.getByRole('tooltip', { name: /^Cancelled (now|\d+ \w+ ago)\.$/ })).toBeVisible()
  expect(await page.evaluate(() => window.notices)).toEqual(['watched: The job has ended: Cancelled.'])
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).click()
  await expect(page.locator('link[rel=icon]')).toHaveAttribute('href', /icon\.svg$/)
})

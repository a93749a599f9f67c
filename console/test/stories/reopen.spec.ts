/** The page does not matter: somebody closes it while the model trains, and finds the whole curve afterwards. */
import { expect, type Page, signIn, TRAINS_MS, test } from './people'
import { createdJob, csvRows, endedJob, results } from './tuned'

const STEP = 12

/** What the chart reads out at that step, so many times enlarged. */
async function readOut(page: Page, zoom: number): Promise<string[]> {
  const figure = page.locator('figure').filter({ hasText: 'Loss' }).first()
  const chart = figure.getByRole('group', { name: 'Loss', exact: true })
  await chart.focus()
  for (const key of ['0', 'Home', 'Shift+ArrowRight', 'ArrowRight']) await page.keyboard.press(key)
  for (let count = 0; count < zoom; count++) await page.keyboard.press('+')
  if (zoom) await expect(page).toHaveURL(/r=/)
  else await expect(page).not.toHaveURL(/r=/)
  for (const key of ['ArrowRight', 'ArrowLeft']) await page.keyboard.press(key)
  await expect(chart.getByText(`Step ${STEP}`, { exact: true })).toBeAttached()
  return figure.getByRole('listitem').allTextContents()
}

test('closed in mid-training and opened again, the curve is whole, and equal to the result file value for value', async ({
  page,
  context,
  baseURL,
}) => {
  const id = await createdJob(baseURL as string, {
    suffix: 'reopened',
    hyperparameters: { n_epochs: 20, batch_size: 4 },
  })
  await signIn(page, `/console/jobs/${id}`)
  await expect(page.getByText(/^Step \d+ of 200$/)).toBeVisible({ timeout: TRAINS_MS })
  const seen = Number(/\d+/.exec((await page.getByText(/^Step \d+ of 200$/).textContent()) ?? '')?.[0])
  await expect(page.getByText(/^Step (1[3-9]|[2-9]\d|1\d\d|200) of 200$/)).toBeVisible()
  const early = await readOut(page, 0)
  expect(early.filter((text) => /\d\.\d/.test(text)).length, 'as it is, and smoothed').toBeGreaterThan(1)
  const sibling = await context.newPage()
  await sibling.goto('/console/settings')
  await expect(sibling.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()
  await page.close()

  const job = await endedJob(baseURL as string, id)
  expect(job.status).toBe('succeeded')
  const again = await context.newPage()
  await again.goto(`/console/jobs/${id}`)
  await expect(again.getByRole('group', { name: 'Loss', exact: true }).locator('canvas')).toBeVisible()
  // at no zoom is a value another one, nor was it while the run had not come further
  for (const zoom of [1, 3, 5, 0]) expect(await readOut(again, zoom), `enlarged ${zoom} times`).toEqual(early)
  const truth = await results(baseURL as string, job)
  expect(truth.map((row) => row.step)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  expect(seen).toBeLessThanOrEqual(200)

  // all that can be downloaded
  const [saved] = await Promise.all([
    again.waitForEvent('download'),
    again.getByRole('button', { name: 'CSV', exact: true }).click(),
  ])
  const shown = csvRows(Buffer.concat(await (await saved.createReadStream()).toArray()).toString())
  const names: Record<string, string> = {
    step: 'step',
    train_loss: 'train_loss',
    train_accuracy: 'train_mean_token_accuracy',
    valid_loss: 'valid_loss',
    valid_mean_token_accuracy: 'valid_mean_token_accuracy',
  }
  // the result file has six digits, the download all that there are
  const six = (value: number | null | undefined) => (value == null ? null : Number(value.toPrecision(6)))
  for (const [theirs, ours] of Object.entries(names))
    expect(
      shown.map((row) => six(row[ours])),
      ours,
    ).toEqual(truth.map((row) => row[theirs] ?? null))

  // and all that the table shows, page by page
  await again.getByRole('button', { name: 'Table', exact: true }).click()
  const table = again.getByRole('table', { name: 'The metrics of each step' })
  const heads = await table.getByRole('columnheader').allTextContents()
  for (let from = 0; from < 200; from += 25) {
    await expect(again.getByText(`Rows ${from + 1} to ${from + 25} of 200`)).toBeVisible()
    const rows = await table
      .locator('tbody tr')
      .evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')),
      )
    expect(rows).toHaveLength(25)
    for (const [index, cells] of rows.entries()) {
      const row = truth[from + index] ?? {}
      for (const [theirs, ours] of Object.entries(names)) {
        const value = row[theirs] ?? null
        const cell = cells[heads.indexOf(ours)]
        expect(cell, `${ours} of step ${from + index + 1}`).toBe(value === null ? '' : `${value}`)
      }
    }
    if (from + 25 < 200) await again.getByRole('button', { name: 'Later' }).click()
  }
})

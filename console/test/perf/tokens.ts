/**
 * How much work a row of four thousand tokens is for the page that shows each of them.
 *
 *   TUNESMITH_URL=… TUNESMITH_KEY=… npx playwright test -c test/perf/playwright.config.ts tokens
 */
import { expect, test } from '@playwright/test'
import { call, uploaded } from '../stories/tuned'

type Rows = { data: { replies: { runs: { n_tokens: number }[] }[] }[] }

const KEY = process.env.TUNESMITH_KEY ?? ''
const PATIENCE = Number(process.env.PERF_PATIENCE ?? 1)
const TOKENS = 4_000
const TIMES = 9
const BUDGET_MS = 50

/** Many turns, so that what is trained and what is not take turns too; a token or more for each word. */
const turns = Array.from({ length: 67 }, (_, index) => ({
  role: index % 2 ? 'assistant' : 'user',
  content: `the old man and the sea have been here for ${index} days and nights, he said so and I think so too. `,
}))
const pair = (length: number) => ({
  input: { messages: turns.slice(0, length) },
  preferred_output: [{ role: 'assistant', content: 'Then they went home.' }],
  non_preferred_output: [{ role: 'assistant', content: 'Then nothing.' }],
})

test('a row of four thousand tokens is shown within the budget', async ({ page, baseURL }) => {
  await page.addInitScript((key) => sessionStorage.setItem('tunesmith.key', key), KEY)
  // the smallest base has room for half of them: both replies of a preference row fill a page
  const rows = [1, turns.length].map((length) => JSON.stringify(pair(length)))
  const id = await uploaded(baseURL as string, 'long-row.jsonl', `${rows.join('\n')}\n`)
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const spent = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000
  }
  /** The work of a page that shows the rows from a line on, and what it shows. */
  const opened = async (line: number) => {
    await page.goto(`/console/datasets/${id}?tab=rows&line=${line}`)
    const row = page.getByRole('article', { name: `Line ${line}`, exact: true })
    await expect(row).toBeVisible()
    await page.waitForLoadState('networkidle')
    return row
  }
  const row = await opened(2)
  const { data } = await call<Rows>(baseURL as string, `/files/${id}/rows?after_line=1`)
  const runs = data[0]?.replies.flatMap((reply) => reply.runs) ?? []
  const tokens = runs.reduce((all, run) => all + run.n_tokens, 0)
  expect(tokens).toBeGreaterThanOrEqual(TOKENS)

  // away from the rows and back, which are known by then: what is left is drawing them
  const work: number[] = []
  for (let time = 0; time < TIMES; time++) {
    await page.getByRole('tab', { name: 'Report' }).click()
    await expect(row).toHaveCount(0)
    await page.waitForLoadState('networkidle')
    const before = await spent()
    await page.getByRole('tab', { name: /Rows/ }).click()
    await expect(page.getByRole('article', { name: 'Line 2', exact: true })).toBeVisible()
    work.push((await spent()) - before)
  }
  const median = work.sort((a, b) => a - b)[Math.floor(TIMES / 2)] as number
  console.log(`${tokens} tokens: ${median.toFixed(1)} ms of work, of ${BUDGET_MS}`)
  expect(median).toBeLessThanOrEqual(BUDGET_MS * PATIENCE)
})

/**
 * Pictures of every page, for a person to look at: light and dark, narrow and wide, English and Chinese.
 *
 *   TUNESMITH_URL=… TUNESMITH_KEY=… npx playwright test -c test/shots/playwright.config.ts
 */
import { type Page, test } from '@playwright/test'

const OUT = process.env.SHOTS_OUT ?? 'test-results/shots'
const KEY = process.env.TUNESMITH_KEY ?? ''
const ONLY = process.env.SHOTS_ONLY

const WIDTHS = { wide: 1440, narrow: 390 }
const LANGUAGES = (process.env.SHOTS_LANGUAGES ?? 'en').split(',')
const PAGES: Record<string, string> = {
  overview: '/console',
  jobs: '/console/jobs',
  create: '/console/jobs/new',
  forecast: '/console/jobs/new?from={job}',
  metrics: '/console/jobs/{job}',
  events: '/console/jobs/{job}?tab=events',
  checkpoints: '/console/jobs/{job}?tab=checkpoints',
  config: '/console/jobs/{job}?tab=config',
  files: '/console/jobs/{job}?tab=files',
  compare: '/console/jobs/{job}?vs={others}',
  playground: '/console/playground?m=nano&lp=1',
  models: '/console/models',
  datasets: '/console/datasets',
  report: '/console/datasets/{file}',
  rows: '/console/datasets/{file}?tab=rows',
  tokens: '/console/datasets/{file}?tab=stats',
  keys: '/console/keys',
  usage: '/console/usage',
  settings: '/console/settings',
  missing: '/console/jobs/ftjob-none',
}

async function ready(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.waitForTimeout(500)
}

for (const language of LANGUAGES) {
  for (const theme of ['light', 'dark'] as const) {
    for (const [size, width] of Object.entries(WIDTHS)) {
      test(`${language} ${theme} ${size}`, async ({ browser, baseURL }) => {
        const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme })
        await context.addInitScript(
          ([key, tag]) => {
            sessionStorage.setItem('tunesmith.key', key as string)
            localStorage.setItem('tunesmith.language', tag as string)
          },
          [KEY, language],
        )
        const answer = await fetch(`${baseURL}/v1/fine_tuning/jobs?limit=4`, {
          headers: { authorization: `Bearer ${KEY}` },
        })
        const jobs = ((await answer.json()) as { data: { id: string; status: string }[] }).data
        const done = jobs.filter((job) => job.status === 'succeeded')
        const job = (done[0] ?? jobs[0])?.id
        const others = jobs.map((one) => one.id).filter((id) => id !== job)
        const files = await fetch(`${baseURL}/v1/files?limit=1&purpose=fine-tune`, {
          headers: { authorization: `Bearer ${KEY}` },
        })
        const file = ((await files.json()) as { data: { id: string }[] }).data[0]?.id
        const page = await context.newPage()
        for (const [name, path] of Object.entries(PAGES)) {
          if ((ONLY && !ONLY.split(',').includes(name)) || (path.includes('{job}') && !job)) continue
          if (path.includes('{file}') && !file) continue
          await page.goto(
            `${baseURL}${path
              .replace('{job}', job ?? '')
              .replace('{others}', others.join(','))
              .replace('{file}', file ?? '')}`,
          )
          await ready(page)
          await page.screenshot({ path: `${OUT}/${name}-${language}-${theme}-${size}.png`, fullPage: true })
        }
        const stranger = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme })
        const door = await stranger.newPage()
        await door.goto(`${baseURL}/console/login`)
        await ready(door)
        await door.screenshot({ path: `${OUT}/sign-in-${language}-${theme}-${size}.png` })
        await stranger.close()
        await context.close()
      })
    }
  }
}

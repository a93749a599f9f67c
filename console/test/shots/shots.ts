/**
 * Pictures of every page, for a person to look at: light and dark, wide and narrow, in both languages; full, empty,
 * loading, refused. They are no test: whoever takes them opens the contact sheets.
 *
 *   TUNESMITH_URL=… TUNESMITH_KEY=… npx playwright test -c test/shots/playwright.config.ts
 *
 * SHOTS_ONLY=job-metrics,playground takes some, SHOTS_LANGUAGES=en,zh-CN and SHOTS_SIZES=wide,narrow choose.
 */
import { type Browser, type BrowserContext, type Page, test } from '@playwright/test'
import { prepared, strangersKey } from '../prepared'
import { saveSome } from '../stories/drafting'
import { addressOf, MESSAGES, PLACES, rested, VISITS } from '../visits'
import { sheets } from './sheet'

const OUT = process.env.SHOTS_OUT ?? 'test-results/shots'
const KEY = process.env.TUNESMITH_KEY ?? ''
const ONLY = process.env.SHOTS_ONLY?.split(',')
const LANGUAGES = (process.env.SHOTS_LANGUAGES ?? 'en,zh-CN').split(',')
const SIZES = Object.entries({ wide: 1440, middle: 768, narrow: 390 }).filter(([name]) =>
  (process.env.SHOTS_SIZES ?? 'wide,narrow').split(',').includes(name),
)
const THEMES = (process.env.SHOTS_THEMES ?? 'light,dark').split(',') as ('light' | 'dark')[]
const NEVER_MS = 120_000

const isWanted = (name: string) =>
  !ONLY || ONLY.some((one) => name === one || (one.endsWith('*') && name.startsWith(one.slice(0, -1))))

async function someone(browser: Browser, theme: 'light' | 'dark', locale: string, width: number) {
  return browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: theme,
    locale,
    reducedMotion: 'reduce',
  })
}

async function enter(context: BrowserContext, url: string, key: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${url}/console/settings`)
  await page.locator('input[name=key]').fill(key)
  await page.keyboard.press('Enter')
  await page.locator('header nav').waitFor()
  return page
}

for (const language of LANGUAGES) {
  for (const theme of THEMES) {
    for (const [size, width] of SIZES) {
      test(`${language} ${theme} ${size}`, async ({ browser, baseURL }) => {
        const url = baseURL as string
        const suffix = `${language}-${theme}-${size}`
        const t = MESSAGES[language] as (typeof MESSAGES)[string]
        const known = await prepared(url)
        /** All of the page at once: as high a window as it takes, so that what sticks to an edge does. */
        const shot = async (page: Page, name: string, whole = true) => {
          const height = await page.evaluate(() => document.documentElement.scrollHeight)
          if (whole) await page.setViewportSize({ width, height: Math.min(4_000, Math.max(900, height)) })
          await page.waitForTimeout(100)
          await page.screenshot({ path: `${OUT}/${suffix}/${name}.png` })
          if (whole) await page.setViewportSize({ width, height: 900 })
        }

        const context = await someone(browser, theme, language, width)
        context.setDefaultTimeout(30_000)
        const door = await context.newPage()
        await door.goto(`${url}/console/login`)
        await door.locator('input[name=key]').waitFor()
        if (isWanted('sign-in')) await shot(door, 'sign-in')
        const page = await enter(context, url, KEY)
        if (VISITS.some(({ name }) => name.startsWith('draft-') && isWanted(name))) {
          await page.setViewportSize({ width: 1280, height: 900 })
          await saveSome(page, url)
          await page.evaluate(() => localStorage.removeItem('tunesmith.language'))
          await page.setViewportSize({ width, height: 900 })
        }
        for (const visit of VISITS) {
          const address = isWanted(visit.name) ? addressOf(visit, known) : null
          if (address === null) continue
          await page.goto(`${url}${address}`)
          await rested(page)
          await visit.open?.(page, t).catch((error) => console.log(`${suffix} ${visit.name}: ${error}`))
          await page.waitForTimeout(300)
          await shot(page, visit.name, !(await page.locator('dialog[open]').count()))
        }

        if (isWanted('empty')) {
          const nothing = await someone(browser, theme, language, width)
          const bare = await enter(nothing, url, await strangersKey(url))
          for (const place of PLACES.slice(0, -1)) {
            await bare.goto(`${url}/console${place}`)
            await rested(bare)
            await shot(bare, `empty-${place.slice(1) || 'overview'}`)
          }
          // code without data: what a slow line shows
          const devtools = await nothing.newCDPSession(bare)
          await devtools.send('Network.enable')
          for (const place of PLACES.slice(0, -2)) {
            const delay = (latency: number) =>
              devtools.send('Network.emulateNetworkConditions', {
                offline: false,
                latency,
                downloadThroughput: -1,
                uploadThroughput: -1,
              })
            await delay(0)
            await bare.goto(`${url}/console${place}`)
            await rested(bare)
            await bare.goto(`${url}/console/settings`)
            await rested(bare)
            const link = bare.locator(`nav a[href="/console${place}"]:visible`).first()
            await link.hover({ timeout: 3_000 }).catch(() => undefined)
            await delay(NEVER_MS)
            await link.click({ timeout: 3_000 }).catch(() => undefined)
            await bare.waitForTimeout(600)
            await shot(bare, `loading-${place.slice(1) || 'overview'}`)
          }
          await nothing.close()
        }
        await context.close()
        await sheets(browser, `${OUT}/${suffix}`, `${OUT}/sheet-${suffix}`, size === 'narrow' ? 8 : 4)
      })
    }
  }
}

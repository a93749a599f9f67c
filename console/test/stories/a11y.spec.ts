/** No page has a fault that axe knows: full, empty, while it loads, and when it fails; in both themes and languages. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { BrowserContext } from '@playwright/test'
import { prepared, strangersKey } from '../prepared'
import { addressOf, MESSAGES, PLACES, rested, VISITS } from '../visits'
import { saveSome } from './drafting'
import { expect, KEY, type Page, TRAINS_MS, test } from './people'

const OPERATOR = process.env.OPERATOR ?? ''

async function operator(word: 'stop' | 'start'): Promise<void> {
  writeFileSync(join(OPERATOR, word), '')
  await expect.poll(() => existsSync(join(OPERATOR, word)), { timeout: TRAINS_MS }).toBe(false)
}

/** What axe finds on a page, by rule and place. */
async function faults(page: Page, name: string): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map((node) => node.html).join(' | ')}`)
}

async function enter(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/console/settings`)
  await page.locator('input[name=key]').fill(key)
  await page.keyboard.press('Enter')
  await page.locator('header nav').waitFor()
}

for (const theme of ['light', 'dark'] as const) {
  for (const language of ['en', 'zh-CN'] as const) {
    test.describe(`axe finds nothing, ${theme}, ${language}`, () => {
      const t = MESSAGES[language] as (typeof MESSAGES)[string]
      let context: BrowserContext
      let url: string
      test.beforeEach(async ({ browser, baseURL }) => {
        url = baseURL as string
        // axe puts a script of its own into the page, which the policy would rightly refuse
        const reducedMotion = 'reduce'
        context = await browser.newContext({
          colorScheme: theme,
          locale: language,
          bypassCSP: true,
          reducedMotion,
        })
      })
      test.afterEach(() => context.close())

      test('on any page that is full, refused, or about something that is not there', async () => {
        const known = await prepared(url)
        const page = await context.newPage()
        const found: string[] = []
        await page.goto(`${url}/console/login`)
        await page.locator('input[name=key]').waitFor()
        found.push(...(await faults(page, 'sign-in')))
        await page.locator('input[name=key]').fill('sk-revoked')
        await page.keyboard.press('Enter')
        await page.getByRole('alert').waitFor()
        found.push(...(await faults(page, 'sign-in, refused')))
        await enter(page, url, KEY)
        await saveSome(page, url)
        await page.evaluate(() => localStorage.removeItem('tunesmith.language'))
        for (const visit of VISITS) {
          const address = addressOf(visit, known)
          expect(address, `${visit.name}: the server lacks what it is about`).not.toBeNull()
          await page.goto(`${url}${address}`)
          await rested(page)
          await visit.open?.(page, t)
          found.push(...(await faults(page, visit.name)))
        }
        expect(found).toEqual([])
      })

      test('on any page that is empty, or still loading', async () => {
        const page = await context.newPage()
        const found: string[] = []
        await enter(page, url, await strangersKey(url))
        for (const place of PLACES) {
          await page.goto(`${url}/console${place}`)
          await rested(page)
          found.push(...(await faults(page, `empty ${place}`)))
        }
        // the pages' code is there, their data is not: answers take longer than anybody waits
        await page.goto(`${url}/console/settings`)
        for (const place of PLACES) {
          await page.locator(`header a[href="/console${place}"]`).first().click()
          await page.locator('h1').first().waitFor()
        }
        await page.getByRole('main').getByRole('button', { name: t.frame.signOut }).click()
        await page.locator('input[name=key]').fill(KEY)
        await page.keyboard.press('Enter')
        await page.locator('h1', { hasText: t.settings.title }).waitFor()
        const devtools = await context.newCDPSession(page)
        await devtools.send('Network.enable')
        await devtools.send('Network.emulateNetworkConditions', {
          offline: false,
          latency: 120_000,
          downloadThroughput: -1,
          uploadThroughput: -1,
        })
        for (const place of PLACES) {
          await page.locator(`header a[href="/console${place}"]`).first().click()
          await page.waitForURL(`${url}/console${place}*`)
          await page.waitForTimeout(300) // the skeleton shows itself after a while
          found.push(...(await faults(page, `loading ${place}`)))
        }
        expect(found).toEqual([])
      })

      test('on any page whose server has gone', async () => {
        test.skip(!OPERATOR, 'nobody is there to stop the server')
        const known = await prepared(url)
        const found: string[] = []
        const pages: [string, Page][] = []
        for (const place of [...PLACES.slice(0, -1), `/jobs/${known.job}`, `/datasets/${known.file}`]) {
          const page = await context.newPage()
          if (pages.length)
            await page.goto(`${url}/console${place}`) // signed in by the tab beside it
          else await enter(page, url, KEY)
          await page.goto(`${url}/console${place}`)
          await rested(page)
          pages.push([place, page])
        }
        await operator('stop')
        try {
          for (const [place, page] of pages) {
            await page.bringToFront()
            await page.keyboard.press('/')
            await page.waitForTimeout(2_500)
            found.push(...(await faults(page, `server gone ${place}`)))
          }
        } finally {
          await operator('start')
        }
        expect(found).toEqual([])
      })
    })
  }
}

/** What every story begins with: somebody who is signed in, and an eye on what the browser refuses. */
import { fileURLToPath } from 'node:url'
import { type BrowserContext, test as base, type CDPSession, expect, type Page } from '@playwright/test'

export const KEY = process.env.TUNESMITH_KEY ?? ''
export const sample = (name: string) =>
  fileURLToPath(new URL(`../../../tunesmith/assets/samples/${name}`, import.meta.url))

/** How long real training may keep a story waiting, on a machine that has other things to do as well. */
export const TRAINS_MS = 480_000

/** What goes wrong in any tab of any person of a story: breaches of the policy, errors that nobody caught. */
export const test = base.extend<{ faults: string[] }>({
  faults: [
    async ({ browser }, use) => {
      const faults: string[] = []
      const watch = (context: BrowserContext) => watched(context, faults)
      browser.on('context', watch)
      await use(faults)
      browser.off('context', watch)
      expect(faults).toEqual([])
    },
    { auto: true },
  ],
})

/** What the page says of itself when the browser refuses it something. */
const REFUSED = 'securitypolicyviolation:'

async function watched(context: BrowserContext, faults: string[]): Promise<void> {
  context.on('weberror', (error) => faults.push(`${error.error()}`))
  context.on('console', (message) => {
    const text = message.text()
    if (text.startsWith(REFUSED) || /content.security.policy|trusted ?(type|html|script)/i.test(text))
      faults.push(text)
  })
  await context.addInitScript((said) => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
      console.error(said, violatedDirective, blockedURI, sample),
    )
  }, REFUSED)
}

export async function signIn(page: Page, path = '/console', key = KEY): Promise<void> {
  await page.goto(path)
  await page.locator('input[name=key]').fill(key)
  await page.keyboard.press('Enter')
  await expect(page.locator('header nav')).toBeVisible()
}

export { type CDPSession, expect, type Page }

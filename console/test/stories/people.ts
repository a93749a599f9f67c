/** What every story begins with: somebody who is signed in, and an eye on what the browser refuses. */
import { fileURLToPath } from 'node:url'
import { test as base, type CDPSession, expect, type Page } from '@playwright/test'

export const KEY = process.env.TUNESMITH_KEY ?? ''
export const sample = (name: string) =>
  fileURLToPath(new URL(`../../../tunesmith/assets/samples/${name}`, import.meta.url))

/** How long real training may keep a story waiting, on a machine that has other things to do as well. */
export const TRAINS_MS = 480_000

/** A page on which any breach of the content-security policy, and any error that nobody caught, fails the story. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page }, use) => {
    const faults = faultsOf(page)
    await use(page)
    expect(faults).toEqual([])
  },
})

/** What goes wrong on a page from now on. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`${error}`))
  page.on('console', (message) => {
    if (/content.security.policy|trusted.?type/i.test(message.text())) faults.push(message.text())
  })
  return faults
}

export async function signIn(page: Page, path = '/console', key = KEY): Promise<void> {
  await page.goto(path)
  await page.locator('input[name=key]').fill(key)
  await page.keyboard.press('Enter')
  await expect(page.locator('header nav')).toBeVisible()
}

export { type CDPSession, expect, type Page }

/** What every story begins with: somebody who is signed in, and an eye on what the browser refuses. */
import { fileURLToPath } from 'node:url'
import { test as base, expect, type Page } from '@playwright/test'

export const KEY = process.env.TUNESMITH_KEY ?? ''
export const sample = (name: string) =>
  fileURLToPath(new URL(`../../../tunesmith/assets/samples/${name}`, import.meta.url))

/** A page on which any breach of the content-security policy, and any error that nobody caught, fails the story. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page }, use) => {
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(`${error}`))
    page.on('console', (message) => {
      if (/content.security.policy|trusted.?type/i.test(message.text())) faults.push(message.text())
    })
    await use(page)
    expect(faults).toEqual([])
  },
})

export async function signIn(page: Page, path = '/console'): Promise<void> {
  await page.goto(path)
  await page.getByLabel('API key').fill(KEY)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
}

export { expect }

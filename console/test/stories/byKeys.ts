/** Whoever touches no pointer: everything is reached by Tab, and done by keys. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from '@playwright/test'
import { expect, KEY, type Page, TRAINS_MS } from './people'

const MOST_TABS = 120

const hasFocus = (locator: Locator) =>
  locator.evaluateAll((all) => all.some((one) => one === document.activeElement)).catch(() => false)

/** Tab, until it is there: somebody who sees no pointer finds everything this way. */
export async function reach(page: Page, locator: Locator, back = false): Promise<void> {
  await expect(locator.first()).toBeAttached()
  for (let press = 0; press < MOST_TABS; press++) {
    if (await hasFocus(locator)) return
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
  }
  throw new Error(`Tab does not lead to ${locator}`)
}

export async function press(page: Page, locator: Locator, key = 'Enter'): Promise<void> {
  await expect(locator.first()).toBeEnabled()
  await reach(page, locator)
  await page.keyboard.press(key)
}

export async function write(page: Page, locator: Locator, text: string): Promise<void> {
  await reach(page, locator)
  await page.keyboard.type(text)
}

/** A button that opens the system's own dialog for files, whose answer comes from outside the page. */
export async function choose(page: Page, locator: Locator, path: string): Promise<void> {
  await reach(page, locator)
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')])
  await chooser.setFiles(path)
}

export async function enter(page: Page, path = '/console', key = KEY): Promise<void> {
  // from now on the system's dialog is held back: asked for only when it is due, that could come too late
  page.on('filechooser', () => undefined)
  await page.goto(path)
  await write(page, page.locator('input[name=key]'), key)
  await page.keyboard.press('Enter')
  await expect(page.locator('header nav')).toBeVisible()
}

export const h1 = (page: Page, name: string | RegExp) => page.getByRole('heading', { name, level: 1 })

/** A file as it lies on somebody's disk. */
export function onDisk(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'unaided-')), name)
  writeFileSync(path, text)
  return path
}
export const answers = (page: Page) => page.getByRole('article')
export const message = (page: Page) => page.getByRole('textbox', { name: 'Message' })
export const creating = (page: Page) => page.getByRole('dialog', { name: 'Create a fine-tuning job' })

export async function answered(page: Page, count: number): Promise<void> {
  await expect(answers(page)).toHaveCount(count)
  for (const answer of await answers(page).all())
    await expect(answer.getByText(/\d tokens \(/)).toBeVisible({ timeout: TRAINS_MS })
}
export const succeeded = (page: Page) =>
  expect(page.getByRole('main').getByText('Succeeded').first()).toBeVisible({ timeout: TRAINS_MS })

/** Brings a file to the datasets and opens it. */
export async function bring(page: Page, path: string): Promise<void> {
  await enter(page, '/console/datasets')
  await choose(page, page.getByRole('button', { name: 'Upload files' }), path)
  const sent = page.getByRole('listitem').filter({ hasText: path.split('/').at(-1) as string })
  await press(page, sent.getByRole('link', { name: 'Open' }))
}

/** The newest file as data of a job; the field begins anew. */
export async function newest(page: Page, label: string): Promise<void> {
  await reach(page, creating(page).getByLabel(label).first())
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await expect(creating(page).getByLabel(label).first()).not.toHaveValue('')
}

/** Creates the job of the dialog that is open. */
export async function create(page: Page, suffix: string, epochs: number): Promise<void> {
  await write(page, creating(page).getByLabel('Suffix'), suffix)
  await write(page, creating(page).getByLabel('Epochs: Value'), `${epochs}`)
  await page.keyboard.press('Control+Enter')
  await expect(h1(page, suffix)).toBeFocused()
}

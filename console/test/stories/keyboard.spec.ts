/** The main ways through the console by keyboard alone: no pointer is touched in this file. */
import { readFileSync } from 'node:fs'
import type { Locator } from '@playwright/test'
import { expect, KEY, type Page, sample, TRAINS_MS, test } from './people'
import { createdJob, endedJob, tunedModel, uploaded } from './tuned'

const MOST_TABS = 120

const hasFocus = (locator: Locator) =>
  locator.evaluateAll((all) => all.some((one) => one === document.activeElement)).catch(() => false)

/** Tab, until it is there: somebody who sees no pointer finds everything this way. */
async function reach(page: Page, locator: Locator, back = false): Promise<void> {
  await expect(locator.first()).toBeAttached()
  for (let press = 0; press < MOST_TABS; press++) {
    if (await hasFocus(locator)) return
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
  }
  throw new Error(`Tab does not lead to ${locator}`)
}

async function press(page: Page, locator: Locator, key = 'Enter'): Promise<void> {
  await reach(page, locator)
  await page.keyboard.press(key)
}

async function write(page: Page, locator: Locator, text: string): Promise<void> {
  await reach(page, locator)
  await page.keyboard.type(text)
}

/** A button that opens the system's own dialog for files, whose answer comes from outside the page. */
async function choose(page: Page, locator: Locator, path: string): Promise<void> {
  await reach(page, locator)
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')])
  await chooser.setFiles(path)
}

async function enter(page: Page, path = '/console'): Promise<void> {
  // from now on the system's dialog is held back: asked for only when it is due, that could come too late
  page.on('filechooser', () => undefined)
  await page.goto(path)
  await write(page, page.getByLabel('API key'), KEY)
  await page.keyboard.press('Enter')
  await expect(page.locator('header nav')).toBeVisible()
}

/** The answer that is asked for in a native `confirm`. */
const h1 = (page: Page, name: string | RegExp) => page.getByRole('heading', { name, level: 1 })

test('sign in, upload, create, watch, pause, resume, read the chart, cancel', async ({ page }) => {
  await enter(page)
  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await expect(h1(page, 'Datasets')).toBeFocused()
  await choose(page, page.getByRole('button', { name: 'Upload files' }), sample('marv/train.jsonl'))
  await press(
    page,
    page.getByRole('listitem').filter({ hasText: 'train.jsonl' }).getByRole('link', { name: 'Open' }),
  )
  await expect(page.getByRole('heading', { name: 'Ready to train' })).toBeVisible({ timeout: TRAINS_MS })
  await reach(page, page.getByRole('tab', { name: 'Report' }))
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('article', { name: 'Line 1', exact: true })).toBeVisible()
  await page.keyboard.press(']')
  await expect(page.getByRole('article', { name: 'Line 1', exact: true })).toBeFocused()
  await page.keyboard.press(']')
  await expect(page.getByRole('article', { name: 'Line 2', exact: true })).toBeFocused()

  await page.keyboard.press('c')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await expect(dialog).toBeVisible()
  await reach(page, dialog.getByRole('combobox', { name: 'Base model' }))
  await page.keyboard.type('nano')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('combobox', { name: 'Base model' })).toHaveValue('nano')
  await reach(page, dialog.getByLabel('Training data').first())
  await page.keyboard.press('ArrowDown') // the newest file
  await expect(dialog.locator('[data-field=training_file]')).not.toHaveValue('')
  await choose(
    page,
    dialog.getByRole('button', { name: 'choose one from this computer' }).last(),
    sample('marv/valid.jsonl'),
  )
  await expect(dialog.locator('[data-field=validation_file]')).not.toHaveValue('')
  await write(page, dialog.getByLabel('Suffix'), 'by-keys')
  await write(page, dialog.getByLabel('Epochs: Value'), '50')
  await page.keyboard.press('Control+Enter')
  await expect(h1(page, 'by-keys')).toBeFocused()

  const main = page.getByRole('main')
  await expect(main.getByText(/^Step \d+ of 500$/)).toBeVisible({ timeout: TRAINS_MS })
  await press(page, page.getByRole('button', { name: 'Pause' }))
  await expect(main.getByText(/^Paused at step \d+/)).toBeVisible()
  // a button that cannot act keeps the focus, and says why
  await expect(page.getByRole('button', { name: 'Pause' })).toBeFocused()
  await expect(page.getByRole('tooltip', { name: /^Already paused at step \d+/ })).toBeVisible()
  await press(page, page.getByRole('button', { name: 'Resume' }), ' ')
  await expect(main.getByText(/^Resumed$/)).toBeVisible({ timeout: TRAINS_MS })

  const loss = page.getByRole('group', { name: 'Loss', exact: true })
  await reach(page, loss)
  await page.keyboard.press('Home')
  await expect(loss.locator('xpath=..').locator('[aria-live]')).toContainText('Step 1:')
  await page.keyboard.press('ArrowRight')
  await expect(loss.locator('xpath=..').locator('[aria-live]')).toContainText('Step 2:')
  await page.keyboard.press('Shift+ArrowRight')
  await expect(loss.locator('xpath=..').locator('[aria-live]')).toContainText('Step 12:')
  await page.keyboard.press('+')
  await expect(page).toHaveURL(/r=/)
  await page.keyboard.press('0')
  await expect(page).not.toHaveURL(/r=/)
  await page.keyboard.press('l')
  await expect(page).toHaveURL(/y=log/)
  await page.keyboard.press('t')
  await expect(page.getByRole('table', { name: 'The metrics of each step' })).toBeVisible()

  await reach(page, page.getByRole('button', { name: 'Cancel' }), true)
  await page.keyboard.press('Enter')
  const sure = page.getByRole('dialog', { name: 'Cancel this job?' })
  await expect(sure).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(sure).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused()
  await page.keyboard.press('Enter')
  await press(page, sure.getByRole('button', { name: 'Cancel the job' }))
  await expect(main.getByText('Cancelled').first()).toBeVisible()
})

test('ask two models, stop, walk along the tokens, and look at the code', async ({ page, baseURL }) => {
  const tuned = await tunedModel(baseURL as string)
  await enter(page, `/console/playground?m=${encodeURIComponent(tuned)}&lp=1&max=900&t=1.5`)
  await press(page, page.getByRole('button', { name: 'Compare with its base' }))
  await write(page, page.getByRole('textbox', { name: 'Message' }), 'Tell me a very long story.')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('Please.')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article')).toHaveCount(2)
  const stop = page.getByRole('button', { name: 'Stop', exact: true })
  await expect(page.getByRole('listbox', { name: /by probability/ }).first()).toBeVisible({
    timeout: TRAINS_MS,
  })
  await page.keyboard.press('Escape')
  await expect(stop).toHaveCount(0)
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused()

  await page.getByRole('textbox', { name: 'Message' }).press('Escape')
  await reach(page, page.getByRole('listbox', { name: /by probability/ }).first(), true)
  await page.keyboard.press('ArrowRight')
  await expect(page.getByText(/Probability \d/).first()).toBeVisible()
  await page.keyboard.press('2')
  await expect(page.locator('[data-column="1"]').last()).toBeFocused()
  await reach(page, page.getByRole('button', { name: 'View code' }), true)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').locator('pre')).toContainText('client.chat.completions.create(')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'View code' })).toBeFocused()
})

test('make a key, revoke it, and delete a file by its typed name', async ({ page, baseURL }) => {
  const name = `doomed-${Date.now()}.jsonl`
  await uploaded(baseURL as string, name, readFileSync(sample('marv/train.jsonl')))
  await enter(page, '/console/keys')
  await press(page, page.getByRole('button', { name: 'New key' }).first())
  const called = `keyboard ${Date.now()}`
  await write(page, page.getByRole('dialog').getByRole('textbox', { name: 'Name' }), called)
  await reach(page, page.getByRole('dialog').getByLabel('Ends'))
  await page.keyboard.press('ArrowDown')
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Create' }))
  await expect(page.getByRole('dialog').locator('code').first()).toContainText(/^sk-/)
  await press(page, page.getByRole('button', { name: 'I have copied it' }))
  await press(page, page.getByRole('button', { name: `Revoke ${called}` }))
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Revoke' }))
  await expect(page.getByRole('row', { name: new RegExp(called) })).toHaveCount(0)

  await page.keyboard.press('g')
  await page.keyboard.press('d')
  await expect(h1(page, 'Datasets')).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.type(name)
  await press(page, page.getByRole('link', { name }))
  await press(page, page.getByRole('button', { name: 'Delete' }))
  await page.keyboard.type(name) // the field has the focus
  await page.keyboard.press('Enter')
  await expect(h1(page, 'Datasets')).toBeVisible()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test('in a list arrows lead from row to row, Space ticks, and Enter opens', async ({ page, baseURL }) => {
  for (const suffix of ['row-a', 'row-b'])
    await endedJob(
      baseURL as string,
      await createdJob(baseURL as string, { suffix, hyperparameters: { n_epochs: 1 } }),
    )
  await enter(page, '/console/jobs')
  const link = (suffix: string) =>
    page.getByRole('main').getByRole('link', { name: suffix, exact: true }).first()
  await reach(page, link('row-b'))
  await page.keyboard.press(' ')
  await page.keyboard.press('ArrowDown')
  await expect(link('row-a')).toBeFocused()
  await page.keyboard.press(' ')
  await press(page, page.getByRole('button', { name: 'Compare 2' }), 'Enter').catch(async () => {
    await reach(page, page.getByRole('button', { name: 'Compare 2' }), true)
    await page.keyboard.press('Enter')
  })
  await expect(page).toHaveURL(/vs=ftjob-/)
  await page.keyboard.press('g')
  await page.keyboard.press('j')
  await expect(h1(page, 'Fine-tuning')).toBeVisible()
  await reach(page, link('row-b'))
  await page.keyboard.press('Enter')
  await expect(h1(page, 'row-b')).toBeFocused()
})

type Stop = {
  name: string
  role: string
  top: number
  left: number
  ring: boolean
  inView: boolean
  place: string
}

/** Every stop of Tab from the beginning of the page on, until it comes round. */
async function stops(page: Page): Promise<Stop[]> {
  await page.evaluate(() => {
    // Tab begins where the focus was last: at the body, so that nothing is behind it
    document.body.tabIndex = -1
    document.body.focus()
    document.body.removeAttribute('tabindex')
    scrollTo(0, 0)
  })
  const found: Stop[] = []
  /** Those that came before Tab went around: in a dialog the focus does not begin at its beginning. */
  let before: Stop[] | null = null
  for (let count = 0; count < 400; count++) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(() => {
      const element = document.activeElement
      if (!(element instanceof HTMLElement) || element === document.body) return 'around'
      if (element.dataset.counted) return null
      element.dataset.counted = 'yes'
      const box = element.getBoundingClientRect()
      const style = getComputedStyle(element)
      const parent = getComputedStyle(element.closest('label') ?? element)
      const seen = [style, parent].some(
        (one) =>
          (one.outlineStyle !== 'none' && Number.parseFloat(one.outlineWidth) >= 2) ||
          one.boxShadow !== 'none',
      )
      return {
        name: (
          element.getAttribute('aria-label') ??
          (element as HTMLInputElement).labels?.[0]?.textContent ??
          element.textContent ??
          ''
        ).trim(),
        role: element.getAttribute('role') ?? element.tagName.toLowerCase(),
        top: box.top + scrollY,
        left: box.left,
        ring: seen,
        inView: box.bottom > 0 && box.top < innerHeight,
        place: element.closest('dialog') ? 'dialog' : element.closest('main') ? 'main' : 'frame',
      }
    })
    if (!stop) break
    if (stop !== 'around') found.push(stop)
    else if (before) break
    else before = found.splice(0)
  }
  return [...found, ...(before ?? [])]
}

const FRAME = [
  'Skip to the content',
  'Tunesmith',
  'Overview',
  'Fine-tuning',
  'Datasets',
  'Models',
  'Playground',
  'API keys',
  'Usage',
  'Settings',
  '?Keyboard shortcuts',
  'Sign out',
]

test('Tab leads through each page in the order in which it is read, and what has the focus is to be seen', async ({
  page,
  baseURL,
}) => {
  const id = await createdJob(baseURL as string, { suffix: 'order', hyperparameters: { n_epochs: 1 } })
  await endedJob(baseURL as string, id)
  const file = await uploaded(baseURL as string, 'order.jsonl', readFileSync(sample('marv/train.jsonl')))
  await enter(page)
  for (const path of [
    '',
    '/jobs',
    '/jobs/new',
    `/jobs/${id}`,
    `/jobs/${id}?tab=events`,
    `/jobs/${id}?tab=checkpoints`,
    `/jobs/${id}?tab=config`,
    `/jobs/${id}?tab=files`,
    '/datasets',
    `/datasets/${file}`,
    `/datasets/${file}?tab=rows`,
    `/datasets/${file}?tab=stats`,
    '/models',
    '/playground?m=nano',
    '/keys',
    '/usage',
    '/settings',
  ]) {
    await page.goto(`/console${path}`)
    await page.locator('h1').first().waitFor()
    await page.waitForLoadState('networkidle')
    const all = await stops(page)
    const frame = all.filter((stop) => stop.place === 'frame').map((stop) => stop.name.replace(/\d+$/, ''))
    if (path === '/jobs/new') expect(frame, 'a dialog keeps the focus').toEqual([])
    else
      expect(
        frame.filter((name) => name !== 'Drafts'),
        path,
      ).toEqual(FRAME)
    for (const stop of all) {
      expect(stop.name, `${path}: a ${stop.role} without a name`).not.toBe('')
      expect(stop.ring, `${path}: no ring around ${stop.role} ${stop.name}`).toBe(true)
      expect(stop.inView, `${path}: ${stop.name} is out of sight`).toBe(true)
    }
    // nothing is jumped over upwards by more than what stands beside it
    const inside = all.filter((stop) => stop.place !== 'frame')
    expect(inside.length, path).toBeGreaterThan(0)
  }
})

test('the order of Tab on sign-in, in the settings and in the create dialog', async ({ page }) => {
  await page.goto('/console')
  await page.getByLabel('API key').waitFor()
  expect((await stops(page)).map((stop) => stop.name)).toEqual([
    'API key',
    'Show the key',
    'Remember on this device',
    'Sign in',
    'Language',
  ])
  await enter(page, '/console/settings')
  await expect(h1(page, 'Settings')).toBeVisible()
  expect((await stops(page)).filter((stop) => stop.place === 'main').map((stop) => stop.name)).toEqual([
    'Like the system',
    'Language',
    'Single-letter shortcuts',
    'Show all shortcuts',
    'Sign out',
    'Copy Address for clients',
    'View code',
  ])
  await page.goto('/console/jobs/new')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('combobox', { name: 'Base model' })).not.toHaveValue('')
  const names = (await stops(page)).map((stop) => stop.name.replace(/ \w+_\w+$/, ''))
  const order = [
    'Supervised',
    'Base model',
    'Training data',
    'Validation data',
    'Suffix',
    'Seed',
    'Show request',
    'Create',
  ]
  expect(order.filter((name) => !names.some((one) => one.startsWith(name)))).toEqual([])
  const places = order.map((name) => names.findIndex((one) => one.startsWith(name)))
  expect(places).toEqual([...places].sort((a, b) => a - b))
})

/** Tab leads through each page as one reads it: nothing is jumped over, nothing is out of sight, all has a name. */
import { readFileSync } from 'node:fs'
import { enter, h1 } from './byKeys'
import { expect, type Page, sample, test } from './people'
import { createdJob, endedJob, uploaded } from './tuned'

type Stop = {
  name: string
  role: string
  box: { top: number; bottom: number; left: number; right: number }
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
      // where it stands, however far the page or a dialog is scrolled; a radio stands where its label does
      const stand = box.width > 1 ? box : (element.closest('label') ?? element).getBoundingClientRect()
      let scrolled = 0
      for (let around = element.parentElement; around; around = around.parentElement)
        scrolled += around.scrollTop
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
        box: {
          top: stand.top + scrolled,
          bottom: stand.bottom + scrolled,
          left: stand.left,
          right: stand.right,
        },
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

/** Whether one reads on from one to the other: along the line, down, or at the head of a column further right. */
function readsOn({ box: a }: Stop, { box: b }: Stop): boolean {
  const middle = (box: Stop['box']) => (box.top + box.bottom) / 2
  const inLine = Math.abs(middle(a) - middle(b)) < Math.max(a.bottom - a.top, b.bottom - b.top) / 2
  if (inLine) return b.right > a.left
  return middle(b) > middle(a) || b.left > a.left
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
  const back: string[] = []
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
    const inside = all.filter((stop) => stop.place !== 'frame')
    expect(inside.length, path).toBeGreaterThan(0)
    for (const [index, stop] of inside.slice(1).entries()) {
      const before = inside[index] as Stop
      if (!readsOn(before, stop)) back.push(`${path}: from ${before.name} back to ${stop.name}`)
    }
  }
  expect(back).toEqual([])
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

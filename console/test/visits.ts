/** Every page of the console with what can stand on it: visited by the checks of accessibility and the pictures. */
import type { Page } from '@playwright/test'
import type { Messages } from '../app/i18n/en'
import { en } from '../app/i18n/en'
import { zhCN } from '../app/i18n/zh-CN'

export const MESSAGES: Record<string, Messages> = { en, 'zh-CN': zhCN }

/** What the addresses are about: the ids of a job, of others to compare it with, of a file, of models. */
export type Known = {
  job: string
  others: string
  file: string
  faulty: string
  tuned: string
  failed: string
}
export type Visit = {
  name: string
  path: string
  /** What is done there before anybody looks. */
  open?: (page: Page, t: Messages) => Promise<void>
}

export const VISITS: Visit[] = [
  { name: 'overview', path: '' },
  { name: 'jobs', path: '/jobs' },
  { name: 'jobs-none-found', path: '/jobs?q=nothing-has-this-name' },
  {
    name: 'jobs-code',
    path: '/jobs?status=failed&meta=team%3Dops',
    open: (page, t) => page.getByRole('button', { name: t.shared.viewCode }).click(),
  },
  { name: 'create', path: '/jobs/new' },
  {
    name: 'create-refused',
    path: '/jobs/new',
    open: (page, t) =>
      page.getByRole('dialog').getByRole('button', { name: t.create.submit, exact: true }).click(),
  },
  { name: 'create-forecast', path: '/jobs/new?from={job}' },
  {
    name: 'create-request',
    path: '/jobs/new?from={job}',
    open: (page, t) => page.getByRole('button', { name: t.create.showRequest }).click(),
  },
  {
    name: 'create-would-fail',
    path: '/jobs/new?from={job}',
    open: async (page, t) => {
      await page.getByText(t.create.methods.dpo, { exact: true }).click()
      await page.getByText(t.forecast.wouldFail).waitFor()
    },
  },
  { name: 'job-metrics', path: '/jobs/{job}' },
  {
    name: 'job-cursor',
    path: '/jobs/{job}',
    open: async (page, t) => {
      await page.getByRole('group', { name: t.chart.loss, exact: true }).press('ArrowLeft')
    },
  },
  {
    name: 'job-table',
    path: '/jobs/{job}',
    open: (page, t) => page.getByRole('button', { name: t.chart.asTable, exact: true }).click(),
  },
  { name: 'job-zoomed', path: '/jobs/{job}?x=epoch&y=log&s=0.9&r=1-3' },
  { name: 'job-compare', path: '/jobs/{job}?vs={others}' },
  { name: 'job-compare-lost', path: '/jobs/{job}?vs={others},ftjob-none' },
  {
    name: 'job-compare-table',
    path: '/jobs/{job}?vs={others}',
    open: (page, t) => page.getByRole('button', { name: t.chart.asTable, exact: true }).click(),
  },
  {
    name: 'job-line-put-away',
    path: '/jobs/{job}',
    open: (page, t) => page.getByRole('button', { name: t.chart.smoothed, exact: true }).first().click(),
  },
  { name: 'job-events', path: '/jobs/{job}?tab=events' },
  { name: 'job-checkpoints', path: '/jobs/{job}?tab=checkpoints' },
  { name: 'job-config', path: '/jobs/{job}?tab=config' },
  { name: 'job-files', path: '/jobs/{job}?tab=files' },
  { name: 'job-failed', path: '/jobs/{failed}' },
  { name: 'job-missing', path: '/jobs/ftjob-none' },
  {
    name: 'job-code',
    path: '/jobs/{job}',
    open: (page, t) => page.getByRole('button', { name: t.shared.viewCode }).click(),
  },
  { name: 'playground', path: '/playground?m=nano' },
  {
    name: 'playground-answered',
    path: '/playground?m=nano&m={tuned}&lp=1&max=24&t=0',
    open: async (page, t) => {
      const clear = page.getByRole('button', { name: t.playground.clear, exact: true })
      if ((await clear.getAttribute('aria-disabled')) === null) await clear.click()
      await page
        .getByRole('textbox', { name: t.playground.message, exact: true })
        .fill('What is the capital of France?')
      await page.keyboard.press('Enter')
      await page
        .getByRole('article')
        .last()
        .getByText(/\d.*token.*\(|\d.*\(/)
        .first()
        .waitFor()
      await page.getByRole('listbox').first().press('ArrowRight')
    },
  },
  {
    name: 'playground-each-its-own',
    path: '/playground?m=nano&m={tuned}&each=1&t=0&t2=0.7',
    open: async (page, t) => {
      await page.getByText(t.playground.each.systemOwn, { exact: true }).first().click()
      await page.locator('details').evaluateAll((all) => {
        for (const one of all as HTMLDetailsElement[]) one.open = true
      })
    },
  },
  {
    name: 'playground-code',
    path: '/playground?m=nano',
    open: (page, t) => page.getByRole('button', { name: t.playground.code, exact: true }).click(),
  },
  {
    name: 'playground-refused',
    path: '/playground?m=no-such-model',
    open: async (page, t) => {
      await page.getByRole('textbox', { name: t.playground.message, exact: true }).fill('Hello?')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').first().waitFor()
    },
  },
  {
    name: 'playground-five-times',
    path: '/playground?m=nano&m={tuned}&max=12&t=0&diff=1',
    open: async (page, t) => {
      await page.getByRole('textbox', { name: t.playground.message, exact: true }).fill('Who wrote Hamlet?')
      await page.keyboard.press('Enter')
      await page.locator('article mark').first().waitFor()
      await page.locator('article').last().getByRole('button', { name: /^×5/ }).click()
      await page
        .getByText(t.asking.spread.distinct({ distinct: 1, all: '5' }))
        .first()
        .waitFor()
    },
  },
  {
    name: 'playground-tools',
    path: '/playground?m=nano',
    open: async (page, t) => {
      // closed below the models of a narrow page, one in the other
      await page.locator('details').evaluateAll((all) => {
        for (const one of all as HTMLDetailsElement[]) one.open = true
      })
      await page.getByRole('button', { name: t.asking.shape.addTools }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('[{"type": }]')
    },
  },
  { name: 'models', path: '/models' },
  { name: 'model', path: '/models/{tuned}' },
  { name: 'model-base', path: '/models/nano' },
  { name: 'model-missing', path: '/models/no-such-model' },
  { name: 'datasets', path: '/datasets' },
  { name: 'dataset-report', path: '/datasets/{file}' },
  { name: 'dataset-faults', path: '/datasets/{faulty}' },
  { name: 'dataset-rows', path: '/datasets/{file}?tab=rows' },
  { name: 'dataset-faulty-rows', path: '/datasets/{faulty}?tab=rows&line=4' },
  { name: 'dataset-stats', path: '/datasets/{file}?tab=stats' },
  {
    name: 'dataset-tokens',
    path: '/datasets/{file}?tab=rows&line=2',
    open: (page) => page.locator('[data-token]').first().waitFor(),
  },
  {
    name: 'dataset-code',
    path: '/datasets/{file}',
    open: (page, t) => page.getByRole('button', { name: t.shared.viewCode }).click(),
  },
  {
    name: 'dataset-delete',
    path: '/datasets/{file}',
    open: (page, t) => page.getByRole('button', { name: t.datasets.remove, exact: true }).click(),
  },
  { name: 'dataset-missing', path: '/datasets/file-none' },
  { name: 'draft-answers', path: '/datasets/draft/answers' },
  { name: 'draft-comparisons', path: '/datasets/draft/comparisons' },
  { name: 'draft-missing', path: '/datasets/draft/none' },
  { name: 'keys', path: '/keys' },
  {
    name: 'keys-new',
    path: '/keys',
    open: (page, t) => page.getByRole('button', { name: t.keys.newKey, exact: true }).first().click(),
  },
  { name: 'usage', path: '/usage' },
  { name: 'usage-costs', path: '/usage?show=costs' },
  { name: 'settings', path: '/settings' },
  {
    name: 'shortcuts',
    path: '/settings',
    open: (page) => page.keyboard.press('?'),
  },
  { name: 'no-such-page', path: '/nothing-here' },
]

/** The pages that a navigation leads to: what they show when there is nothing, and while they wait. */
export const PLACES = ['', '/jobs', '/datasets', '/models', '/playground', '/keys', '/usage', '/settings']

/** The address of a visit; null where the server has nothing that it could be about. */
export function addressOf({ path }: Visit, known: Partial<Known>): string | null {
  let lacks = false
  const filled = path.replace(/\{(\w+)\}/g, (_, name: keyof Known) => {
    const value = known[name]
    if (!value) lacks = true
    return name === 'others' ? (value ?? '') : encodeURIComponent(value ?? '')
  })
  return lacks ? null : `/console${filled}`
}

/** Until the page rests: nothing loads, nothing moves. */
export async function rested(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor()
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]')).catch(() => undefined)
  await page.waitForLoadState('networkidle')
}

/** A file with a fault of each kind that people make. */
export function faultyRows(good: string[]): string {
  const rows = [...good]
  rows[3] = '{"messages": [{"role": "user", "content": "Nobody answers."}]}'
  rows[6] = '{"messages": [{"role": "user", "content": "?"}, {"role": "robot", "content": "Beep."}]}'
  rows[9] = '{"messages": []}'
  rows[12] = '{"messages": [{"role": "user", "content": "Cut off'
  rows[14] = good[0] ?? ''
  return `${rows.join('\n')}\n`
}

/** No page has a fault that axe knows, in either theme and either language. */
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, KEY, test } from './people'

type Visit = { name: string; path: string; open?: (page: Page) => Promise<void> }
const VISITS: Visit[] = [
  { name: 'overview', path: '/console' },
  { name: 'jobs', path: '/console/jobs' },
  { name: 'jobs, none found', path: '/console/jobs?q=nothing-has-this-name' },
  { name: 'create', path: '/console/jobs/new' },
  {
    name: 'create, refused',
    path: '/console/jobs/new',
    open: async (page) => {
      await page.getByRole('button', { name: 'Create', exact: true }).last().click()
    },
  },
  { name: 'create, with a forecast', path: '/console/jobs/new?from={job}' },
  { name: 'job: metrics', path: '/console/jobs/{job}' },
  { name: 'job: events', path: '/console/jobs/{job}?tab=events' },
  { name: 'job: checkpoints', path: '/console/jobs/{job}?tab=checkpoints' },
  { name: 'job: configuration', path: '/console/jobs/{job}?tab=config' },
  { name: 'job: files', path: '/console/jobs/{job}?tab=files' },
  { name: 'no such job', path: '/console/jobs/ftjob-none' },
  { name: 'playground', path: '/console/playground?m=nano' },
  {
    name: 'playground, answered',
    path: '/console/playground?m=nano&m=nano&lp=1&max=12',
    open: async (page) => {
      await page.getByRole('textbox', { name: 'Message' }).fill('Hello')
      await page.keyboard.press('Enter')
      await page
        .getByRole('listbox', { name: /by probability/ })
        .first()
        .focus()
      await page.keyboard.press('ArrowRight')
    },
  },
  {
    name: 'playground, code',
    path: '/console/playground?m=nano',
    open: async (page) => page.getByRole('button', { name: 'View code' }).click(),
  },
  { name: 'models', path: '/console/models' },
  { name: 'datasets', path: '/console/datasets' },
  { name: 'dataset: report', path: '/console/datasets/{file}' },
  { name: 'dataset: rows', path: '/console/datasets/{file}?tab=rows' },
  { name: 'dataset: tokens', path: '/console/datasets/{file}?tab=stats' },
  {
    name: 'dataset, to be deleted',
    path: '/console/datasets/{file}',
    open: async (page) => page.getByRole('button', { name: 'Delete' }).click(),
  },
  { name: 'no such dataset', path: '/console/datasets/file-none' },
  { name: 'keys', path: '/console/keys' },
  {
    name: 'new key',
    path: '/console/keys',
    open: async (page) => page.getByRole('button', { name: 'New key' }).click(),
  },
  { name: 'usage', path: '/console/usage' },
  { name: 'usage, costs', path: '/console/usage?show=costs' },
  { name: 'settings', path: '/console/settings' },
  { name: 'shortcuts', path: '/console/settings', open: async (page) => page.keyboard.press('?') },
  { name: 'no such page', path: '/console/nothing-here' },
]

for (const theme of ['light', 'dark'] as const) {
  for (const language of ['en', 'zh-CN']) {
    test(`axe finds nothing, ${theme}, ${language}`, async ({ browser, baseURL }) => {
      const headers = { authorization: `Bearer ${KEY}` }
      const jobs = (await (await fetch(`${baseURL}/v1/fine_tuning/jobs?limit=1`, { headers })).json()) as {
        data: { id: string }[]
      }
      const job = jobs.data[0]?.id
      const files = (await (
        await fetch(`${baseURL}/v1/files?limit=1&purpose=fine-tune`, { headers })
      ).json()) as {
        data: { id: string }[]
      }
      const file = files.data[0]?.id
      // axe puts a script of its own into the page, which the policy would rightly refuse
      const context = await browser.newContext({ colorScheme: theme, bypassCSP: true })
      const page = await context.newPage()
      const found: string[] = []
      const check = async (name: string) => {
        const { violations } = await new AxeBuilder({ page }).analyze()
        for (const { id, nodes } of violations)
          found.push(`${name}: ${id}: ${nodes.map((n) => n.html).join(' | ')}`)
      }
      await page.addInitScript((tag) => localStorage.setItem('tunesmith.language', tag), language)
      await page.goto(`${baseURL}/console/login`)
      await page.locator('input[name=key]').waitFor()
      await check('sign-in')
      await page.locator('input[name=key]').fill(KEY)
      await page.keyboard.press('Enter')
      await page.locator('header').waitFor()
      for (const { name, path, open } of VISITS) {
        if ((path.includes('{job}') && !job) || (path.includes('{file}') && !file)) continue
        if (open && language !== 'en') continue
        await page.goto(`${baseURL}${path.replace('{job}', job ?? '').replace('{file}', file ?? '')}`)
        await page.locator('h1').waitFor()
        await page.waitForLoadState('networkidle')
        await open?.(page)
        await check(name)
      }
      expect(found).toEqual([])
      await context.close()
    })
  }
}

/** The URL is the state: a link shows the same page to whoever opens it, and Back leads through all of them. */
import { expect, KEY, signIn, test } from './people'
import { createdJob, endedJob } from './tuned'

test('three jobs compared are one link, which shows the same in a fresh browser', async ({
  page,
  browser,
  baseURL,
}) => {
  const url = baseURL as string
  const ids: string[] = []
  for (const [index, batch_size] of [4, 8, 20].entries())
    ids.push(
      await createdJob(url, { suffix: `batch-${index}`, hyperparameters: { n_epochs: 3, batch_size } }),
    )
  for (const id of ids) expect((await endedJob(url, id)).status).toBe('succeeded')

  await signIn(page, '/console/jobs')
  for (const index of [0, 1, 2]) await page.getByRole('checkbox', { name: `Compare batch-${index}` }).check()
  await page.getByRole('button', { name: 'Compare 3' }).click()
  const loss = page.getByRole('group', { name: 'Loss', exact: true })
  await expect(loss.locator('canvas')).toBeVisible()
  await page.getByText('Epoch', { exact: true }).click()
  await page.getByText('Log', { exact: true }).click()
  await loss.focus()
  await page.keyboard.press('+')
  await expect(page).toHaveURL(/x=epoch/)
  await expect(page).toHaveURL(/y=log/)
  await expect(page).toHaveURL(/r=/)
  const link = page.url()
  const legend = (shown: typeof page) =>
    shown.locator('figure').filter({ hasText: 'Loss' }).first().getByRole('listitem').allTextContents()
  const names = await legend(page)
  expect(names.filter((name) => /^batch-\d/.test(name)).length).toBeGreaterThanOrEqual(3)
  await expect(page.getByRole('row', { name: /^Batch size/ })).toContainText(/4.*8.*20|20.*8.*4/)

  const context = await browser.newContext()
  const fresh = await context.newPage()
  await fresh.goto(link)
  await fresh.getByLabel('API key').fill(KEY)
  await fresh.keyboard.press('Enter')
  await expect(fresh.getByRole('group', { name: 'Loss', exact: true }).locator('canvas')).toBeVisible()
  expect(fresh.url()).toBe(link)
  await expect.poll(() => legend(fresh)).toEqual(names)
  await expect(fresh.getByRole('radio', { name: 'Epoch' })).toBeChecked()
  await expect(fresh.getByRole('radio', { name: 'Log' })).toBeChecked()
  for (const field of ['Epoch: From', 'Epoch: to'])
    expect(await fresh.getByLabel(field).inputValue()).toBe(await page.getByLabel(field).inputValue())
  await context.close()
})

test('Back and Forward lead through all that was looked at', async ({ page, baseURL }) => {
  const id = await createdJob(baseURL as string, { suffix: 'back', hyperparameters: { n_epochs: 1 } })
  await endedJob(baseURL as string, id)
  await signIn(page, '/console')
  const h1 = (name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
  const main = page.getByRole('navigation', { name: 'Main' })
  const way: [string, () => Promise<void>, () => Promise<void>][] = [
    ['/console', async () => undefined, () => expect(h1('Overview')).toBeVisible()],
    [
      '/console/jobs',
      () => main.getByRole('link', { name: 'Fine-tuning' }).click(),
      () => expect(h1('Fine-tuning')).toBeVisible(),
    ],
    [
      `/console/jobs/${id}`,
      () => page.getByRole('main').getByRole('link', { name: 'back', exact: true }).first().click(),
      () => expect(h1('back')).toBeVisible(),
    ],
    [
      '/console/datasets',
      () => main.getByRole('link', { name: 'Datasets' }).click(),
      () => expect(h1('Datasets')).toBeVisible(),
    ],
    [
      '/console/models',
      () => main.getByRole('link', { name: 'Models' }).click(),
      () => expect(h1('Models')).toBeVisible(),
    ],
    [
      '/console/keys',
      () => main.getByRole('link', { name: 'API keys' }).click(),
      () => expect(h1('API keys')).toBeVisible(),
    ],
    [
      '/console/usage',
      () => main.getByRole('link', { name: 'Usage' }).click(),
      () => expect(h1('Usage')).toBeVisible(),
    ],
    [
      '/console/settings',
      () => main.getByRole('link', { name: 'Settings' }).click(),
      () => expect(h1('Settings')).toBeVisible(),
    ],
  ]
  for (const [, go, see] of way) {
    await go()
    await see()
  }
  for (const [path, , see] of way.slice(0, -1).reverse()) {
    await page.goBack()
    await see()
    expect(new URL(page.url()).pathname).toBe(path)
  }
  for (const [path, , see] of way.slice(1)) {
    await page.goForward()
    await see()
    expect(new URL(page.url()).pathname).toBe(path)
  }
})

/** Text that would like to be more than text: in rows, file names, suffixes, events and names, asked and answered. */
import { expect, type Page, signIn, test } from './people'
import { call, endedJob, uploaded } from './tuned'

const SCRIPT = '<img src=x onerror="window.broken=1"><script>window.broken=2</script>'
const PICTURE = '![a](https://example.invalid/?leak=1)'
const LINK = '[b](javascript:window.broken=3)'
const BIDI = 'safe\u202Etxt.exe'
/** A megabyte in one line. */
const LONG = 'many words '.repeat(96_000)
/** What a name may hold: no quotes, no slashes. */
const TAG = '<img src=x onerror=window.broken=4>'

const json = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const row = (text: string, more: object = {}) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: text },
      { role: 'assistant', content: text },
    ],
    ...more,
  })

/** Pages on which nothing of all this became alive: from now on, over every navigation. */
async function guarded(page: Page, origin: string): Promise<() => Promise<void>> {
  const alive: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) alive.push(request.url())
  })
  page.on('console', (message) => {
    if (message.text().startsWith('alive: ')) alive.push(message.text())
  })
  await page.addInitScript(() =>
    Object.defineProperty(window, 'broken', { set: (value) => console.log(`alive: ${value}`) }),
  )
  return async () => {
    expect(
      await page.locator('img, iframe, object, embed, body script, a[href^="javascript:"]').count(),
    ).toBe(0)
    expect(alive).toEqual([])
  }
}

test('what a page does that it may not is noticed, in any tab of anybody', async ({
  page,
  browser,
  faults,
  baseURL,
}) => {
  const context = await browser.newContext()
  for (const tab of [page, await page.context().newPage(), await context.newPage()]) {
    await tab.goto(`${baseURL}/console`)
    await tab.evaluate(() =>
      document.body.append(Object.assign(new Image(), { src: 'https://example.invalid/' })),
    )
    await expect.poll(() => faults.splice(0).join()).toContain('securitypolicyviolation: img-src')
    const written = tab.evaluate(() => Object.assign(document.body, { innerHTML: '<b>' }))
    await expect(written).rejects.toThrow('TrustedHTML')
    await expect.poll(() => faults.splice(0).join()).toContain('require-trusted-types-for')
    await tab.evaluate(() => void setTimeout(() => Promise.reject(new Error('uncaught'))))
    await expect.poll(() => faults.splice(0).join()).toContain('uncaught')
  }
  await context.close()
})

test('hostile text stays text as a name, in rows, and in what a job says of them', async ({
  page,
  baseURL,
}) => {
  const url = baseURL as string
  const harmless = await guarded(page, url)
  const texts = [SCRIPT, PICTURE, LINK, BIDI, LONG, SCRIPT, PICTURE, LINK, BIDI, 'x'.repeat(100_000)]
  const file = await uploaded(url, `${TAG}${BIDI}.jsonl`, `${texts.map((text) => row(text)).join('\n')}\n`)
  const training_file = await uploaded(url, `${TAG}.jsonl`, `${row('a', { [TAG]: 1 })}\n`)
  const { id } = await call<{ id: string }>(
    url,
    '/fine_tuning/jobs',
    json({ model: 'nano', training_file, metadata: { [TAG]: SCRIPT } }),
  )
  expect((await endedJob(url, id)).status).toBe('failed')

  await signIn(page, '/console/datasets')
  await expect(page.getByRole('link', { name: `${TAG}safe⟨U+202E⟩txt.exe.jsonl` }).first()).toBeVisible()
  await harmless()
  await page.goto(`/console/datasets/${file}?tab=rows`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText(`${TAG}safe⟨U+202E⟩`)
  const line = (number: number) => page.getByRole('article', { name: `Line ${number}`, exact: true })
  await expect(line(1)).toContainText('<script>window.broken=2</script>')
  await expect(line(2)).toContainText(PICTURE)
  await expect(line(3)).toContainText(LINK)
  await expect(line(4)).toContainText('⟨U+202E⟩')
  await expect(line(5)).toContainText('many words many words')
  await harmless()

  // the failure, the event, and the report quote the row
  for (const path of [
    `jobs/${id}`,
    `jobs/${id}?tab=events`,
    `jobs/${id}?tab=config`,
    `datasets/${training_file}`,
  ]) {
    await page.goto(`/console/${path}`)
    await expect(page.getByRole('main')).toContainText(TAG)
    await harmless()
  }
  await page.goto('/console/jobs')
  await expect(page.getByRole('row').filter({ hasText: 'Failed' }).first()).toBeVisible()
  await harmless()

  // as a suffix it is refused, in the dialog and by the server
  await page.goto('/console/jobs/new')
  const dialog = page.getByRole('dialog', { name: 'Create a fine-tuning job' })
  await dialog.getByLabel('Suffix').fill(TAG)
  await expect(dialog.locator('code').filter({ hasText: TAG })).toBeVisible()
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(dialog.getByLabel('Suffix')).toHaveAttribute('aria-invalid', 'true')
  await harmless()
  const refused = call(url, '/fine_tuning/jobs', json({ model: 'nano', training_file: file, suffix: TAG }))
  await expect(refused).rejects.toThrow(/suffix/)

  // and as the name of a project
  await call(url, '/organization/projects', json({ name: TAG }))
  await page.goto('/console/keys')
  await expect(page.getByRole('heading', { name: 'API keys', level: 1 })).toBeVisible()
  await expect(page.getByRole('main').locator('option', { hasText: TAG })).toBeAttached()
  await harmless()
})

test('hostile text stays text as a question, and as an answer that a model streams', async ({
  page,
  baseURL,
}) => {
  const harmless = await guarded(page, baseURL as string)
  await signIn(page, '/console/playground?m=nano&max=4')
  const message = page.getByRole('textbox', { name: 'Message' })
  await page.getByRole('radio', { name: 'Assistant' }).check({ force: true })
  await message.fill([SCRIPT, PICTURE, LINK, BIDI].join('\n'))
  await page.keyboard.press('Enter')
  await message.fill(SCRIPT)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article').first()).toContainText(PICTURE)
  const tokens = page.getByText(/\d tokens \(/)
  await expect(page.getByRole('article').last().locator(tokens)).toBeVisible()
  await harmless()

  // a megabyte is too long, and says so
  await page.getByRole('button', { name: 'Clear', exact: true }).click()
  await message.fill(LONG)
  await page.keyboard.press('Enter')
  await expect(page.getByText(/Too long by [\d,]+ tokens/)).toBeVisible()
  await harmless()

  // a model that can say nothing else says it, token by token
  const answer = `${TAG}<script>window.broken=5</script>${PICTURE}${LINK}${BIDI}`
  await page.goto('/console/playground?m=nano&max=400&t=0&lp=1')
  await page.getByRole('button', { name: 'Clear', exact: true }).click()
  await page.getByText('Tools and answer format').click()
  await page.getByRole('radio', { name: 'Schema' }).check({ force: true })
  const schema = { type: 'object', properties: { said: { enum: [answer] } }, required: ['said'] }
  await page
    .getByRole('dialog')
    .getByRole('textbox')
    .fill(JSON.stringify({ ...schema, additionalProperties: false }))
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
  await message.fill('Say it.')
  await page.keyboard.press('Enter')
  const said = page.getByRole('article').last()
  await expect(said.locator(tokens)).toBeVisible()
  for (const text of [TAG, '<script>window.broken=5</script>', PICTURE, LINK])
    await expect(said).toContainText(text)
  await harmless()
})

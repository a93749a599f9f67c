/** Somebody who is quicker than their machine loses no key: the page's thread is slowed down, the person is not. */
import { answers, ask } from './drafting'
import { type CDPSession, expect, type Page, signIn, test } from './people'

/** How many times slower the page's thread gets, from now on. */
async function slow(page: Page, rate: number): Promise<CDPSession> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate })
  return devtools
}

/** Resolves as soon as the document holds something, which is before it is painted. */
const there = (page: Page, selector: string) =>
  page.evaluate(
    (wanted) =>
      new Promise<void>((done) => {
        const look = () => document.querySelector(wanted) && done()
        new MutationObserver(look).observe(document, { childList: true, subtree: true })
        look()
      }),
    selector,
  )

test('a key works from the moment the page is there, before it is painted', async ({ browser }) => {
  for (const rate of [1, 4, 20]) {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto('/console/jobs')
    await page.getByLabel('API key').fill(process.env.TUNESMITH_KEY ?? '')
    await slow(page, rate)
    const framed = there(page, 'nav')
    await page.getByLabel('API key').press('Enter', { noWaitAfter: true })
    await framed
    await page.keyboard.press('c')
    await expect(page.getByRole('dialog', { name: 'Create a fine-tuning job' })).toBeVisible()
    await context.close()
  }
})

test('what is typed quickly into a filter that lives in the URL arrives whole, and Back still works', async ({
  page,
}) => {
  await signIn(page, '/console/models')
  await slow(page, 6)
  await page.keyboard.press('/')
  const words = 'a model that nobody has made so far'
  await page.keyboard.type(words)
  await expect(page.getByRole('searchbox')).toHaveValue(words)
  await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe(words)
  await page.getByRole('link', { name: 'Settings' }).click()
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()
  await page.goBack()
  await expect(page.getByRole('searchbox')).toHaveValue(words)
})

test('keys that are pressed while the next page is on its way are for that page', async ({ page }) => {
  await signIn(page, '/console')
  await slow(page, 6)
  await page.keyboard.press('g')
  await page.keyboard.press('m')
  await page.keyboard.press('/')
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible()
  await expect(page.getByRole('searchbox')).toBeFocused()

  // a filter that is still on its way into the URL does not call its page back
  await page.keyboard.type('abc')
  await page.keyboard.press('Tab')
  await page.getByRole('heading', { level: 1 }).focus()
  await page.keyboard.press('g')
  await page.keyboard.press('j')
  await page.keyboard.press('c')
  await expect(page.getByRole('dialog', { name: 'Create a fine-tuning job' })).toBeVisible()
  await page.waitForTimeout(1_000)
  expect(new URL(page.url()).pathname).toBe('/console/jobs/new')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
})

test('a second Esc does not leave a dialog half closed', async ({ page }) => {
  await signIn(page, '/console/playground?m=nano&max=8')
  await ask(page, 'Where is gate B?', 1)
  await answers(page).first().focus()
  await page.keyboard.press('s')
  const dialog = page.getByRole('dialog', { name: 'Save as row' })
  await dialog.getByLabel('Answer to learn').fill('kept')
  page.on('dialog', (question) => question.dismiss())
  for (let press = 0; press < 4; press++) {
    await page.keyboard.press('Escape')
    await expect(dialog).toBeVisible()
  }
  await expect(dialog.getByLabel('Answer to learn')).toHaveValue('kept')
  page.removeAllListeners('dialog')
  page.on('dialog', (question) => question.accept())
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(answers(page)).toHaveCount(1)
})

/** Text that would like to be more than text: as a file's name, in a row, as a question and in an answer. */
import { expect, signIn, test } from './people'
import { uploaded } from './tuned'

const SCRIPT = '<img src=x onerror="window.broken=1"><script>window.broken=2</script>'
const TEXTS = [
  SCRIPT,
  '![a](https://example.invalid/?leak=1)',
  '[b](javascript:window.broken=3)',
  'safe\u202Etxt.exe',
  'x'.repeat(100_000),
]

test('hostile text stays text on every page', async ({ page, baseURL }) => {
  const requests: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  const rows = Array.from({ length: 10 }, (_, index) => {
    const text = TEXTS[index % TEXTS.length]
    return JSON.stringify({
      messages: [
        { role: 'user', content: text },
        { role: 'assistant', content: text },
      ],
    })
  })
  const id = await uploaded(baseURL as string, `${SCRIPT.slice(0, 60)}.jsonl`, `${rows.join('\n')}\n`)
  await signIn(page, '/console/datasets')
  await expect(page.getByRole('link', { name: /^<img src=x/ }).first()).toBeVisible()
  await page.goto(`/console/datasets/${id}?tab=rows`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('<img src=x')
  await expect(page.getByRole('article', { name: 'Line 1', exact: true })).toContainText(
    '<script>window.broken=2</script>',
  )
  await expect(page.getByRole('article', { name: 'Line 4', exact: true })).toContainText('⟨U+202E⟩')

  await page.goto('/console/playground?m=nano&max=4')
  await page.getByRole('radio', { name: 'Assistant' }).check({ force: true })
  await page.getByRole('textbox', { name: 'Message' }).fill(TEXTS.slice(0, 4).join('\n'))
  await page.keyboard.press('Enter')
  await page.getByRole('textbox', { name: 'Message' }).fill(SCRIPT)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article').first()).toContainText('![a](https://example.invalid/?leak=1)')
  await expect(
    page
      .getByRole('article')
      .last()
      .getByText(/\d tokens \(/),
  ).toBeVisible()
  expect(await page.locator('main img, main script, main a[href^="javascript:"]').count()).toBe(0)
  expect(await page.evaluate(() => (window as unknown as { broken?: number }).broken)).toBeUndefined()
  const origin = new URL(baseURL as string).origin
  expect(requests.filter((url) => !url.startsWith(origin))).toEqual([])
})

/** The same console with forced colours, under a finger, and where the focus may not be hidden. */
import { expect, type Page, signIn, test } from './people'
import { tunedModel } from './tuned'

const style = (page: Page, selector: string, name: string) =>
  page
    .locator(selector)
    .first()
    .evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), name)

test.describe('with forced colours', () => {
  test.use({ contextOptions: { forcedColors: 'active' } })
  test('what is chosen differs from what is not', async ({ page, baseURL }) => {
    const model = await tunedModel(baseURL as string)
    await page.setViewportSize({ width: 900, height: 800 }) // the rail shows icons alone
    await signIn(page, '/console/models')
    expect(await page.evaluate(() => matchMedia('(forced-colors: active)').matches)).toBe(true)
    const current = 'header nav a[aria-current]'
    const other = 'header nav a:not([aria-current])'
    for (const name of ['background-color', 'color'])
      expect(await style(page, current, name)).not.toBe(await style(page, other, name))

    await page
      .getByRole('row')
      .filter({ hasText: model })
      .getByRole('link', { name: /^ftjob-/ })
      .click()
    await page.getByRole('tab').first().waitFor()
    const line = 'border-block-end-color'
    expect(await style(page, '[role=tab][aria-selected=true]', line)).not.toBe(
      await style(page, '[role=tab][aria-selected=false]', line),
    )
    // a line that nobody chose is not to be seen
    expect(await style(page, '[role=tab][aria-selected=false]', line)).toBe(
      await style(page, 'html', 'background-color'),
    )
  })
})

test.describe('under a finger', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 820, height: 1100 } })
  test('whatever is touched is 44 pixels high', async ({ page }) => {
    await signIn(page, '/console/settings')
    const tall = async (selector: string) => {
      const found = await page
        .locator(selector)
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height).filter((px) => px > 0))
      expect(found.length, selector).toBeGreaterThan(0)
      expect(Math.min(...found), selector).toBeGreaterThanOrEqual(44)
    }
    await tall('header nav a')
    await tall('header button')
    await tall('main button')
    // all of the line belongs to the box
    const check = page.getByRole('checkbox').first()
    const box = await check.evaluate((one) => {
      const { x, y, width, height } = (one.parentElement as HTMLElement).getBoundingClientRect()
      return { x, y, width, height }
    })
    expect(box.height).toBeGreaterThanOrEqual(44)
    const before = await check.isChecked()
    await page.touchscreen.tap(box.x + box.width - 4, box.y + box.height - 3)
    expect(await check.isChecked()).toBe(!before)
    await page.goto('/console/playground?m=nano')
    await page.getByRole('combobox').first().tap()
    await tall('[role=option]')
  })
})

test('a choice that cannot be made keeps its place, takes the focus and says why', async ({ page }) => {
  await signIn(page, '/console/playground?m=nano&max=4')
  await page.getByRole('textbox', { name: 'Message' }).fill('Hello')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article')).toHaveAttribute('aria-busy', 'false')
  await page.locator('h1').focus()
  await page.keyboard.press('s')
  const dialog = page.getByRole('dialog')
  const chosen = dialog.getByRole('radio', { name: 'Answer (SFT)' })
  const off = dialog.getByRole('radio', { name: 'Correction (DPO)' })
  await expect(chosen).toBeChecked()
  await chosen.focus()
  await page.keyboard.press('ArrowRight')
  await expect(off).toBeFocused()
  await expect(off).toHaveAccessibleDescription(/.+/)
  await expect(dialog.getByRole('tooltip')).toBeVisible()
  await expect(chosen).toBeChecked()
  await expect(off).not.toBeChecked()
})

for (const width of [1280, 400]) {
  test(`what has the focus is not behind a bar, ${width} px wide`, async ({ page }) => {
    await page.setViewportSize({ width, height: 640 })
    await signIn(page, '/console/playground?m=nano&max=4')
    const message = page.getByRole('textbox', { name: 'Message' })
    for (const text of ['One', 'Two', 'Three', 'Four']) {
      await message.fill(text)
      await message.press('Enter')
      await expect(page.getByRole('article').last()).toHaveAttribute('aria-busy', 'false')
    }
    await message.fill('a draft\nof several\nlines\nthat makes\nthe field\ntall')
    await page.evaluate(() => scrollTo(0, 0))
    await page.getByRole('button', { name: 'Edit: User' }).first().focus()
    for (let press = 0; press < 24; press++) {
      const covered = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement
        if (!element.closest('ol')) return null
        const { left, top, width, height } = element.getBoundingClientRect()
        const found = document.elementFromPoint(left + width / 2, top + height / 2)
        return element.contains(found) ? null : element.getAttribute('aria-label')
      })
      expect(covered).toBeNull()
      await page.keyboard.press('Tab')
    }
  })
}

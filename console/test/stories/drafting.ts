/** Judgements turned into rows, as a person makes them in the playground: for stories, and to have something to show. */
import { expect, type Page } from '@playwright/test'

export const answers = (page: Page) => page.getByRole('article')
export const message = (page: Page) => page.getByRole('textbox', { name: 'Message' })

/** A new conversation of one question, answered by all models. */
export async function ask(page: Page, question: string, models: number): Promise<void> {
  const clear = page.getByRole('button', { name: 'Clear', exact: true })
  if ((await clear.getAttribute('aria-disabled')) === null) await clear.click()
  await expect(answers(page)).toHaveCount(0)
  await message(page).fill(question)
  await message(page).press('Enter')
  await expect(answers(page)).toHaveCount(models)
  for (const answer of await answers(page).all())
    await expect(answer).toHaveAttribute('aria-busy', 'false', { timeout: 60_000 })
}

/** The answer of a column, in other words. */
export async function rewrite(page: Page, column: number, text: string): Promise<void> {
  const answer = answers(page).nth(column)
  await answer.getByRole('button', { name: /^Edit: / }).click()
  await page.getByRole('textbox', { name: /^Edit: / }).fill(text)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('textbox', { name: /^Edit: / })).toHaveCount(0)
  await expect(answer).toContainText('edited')
}

/** The focused answer as a row, by keyboard alone. */
export async function saveFocused(page: Page): Promise<void> {
  await page.keyboard.press('s')
  await expect(page.getByRole('dialog', { name: 'Save as row' })).toBeVisible()
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
}

/** A few rows of either kind, on a page that speaks English and is signed in. */
export async function saveSome(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/console/playground?m=nano&m=nano&max=8`)
  await page.evaluate(() => localStorage.setItem('tunesmith.language', 'en'))
  await page.reload()
  for (const [question, better] of [
    ['Where is gate B?', 'Straight on, then left, behind the second lift.'],
    ['When does the desk open?', 'At six, every day of the week.'],
  ] as const) {
    await ask(page, question, 2)
    await rewrite(page, 0, better)
    await answers(page).first().focus()
    await saveFocused(page)
    await page.keyboard.press('b')
    await expect(page.getByText('A is better.')).toBeVisible()
  }
}

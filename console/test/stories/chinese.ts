/** Whether a page is all in Chinese, for whoever reads no English. */
import type { Page } from './people'

/** What is the same in every language: names, ids, files, units, and the words of the API. */
const SAME = [
  /^(Tunesmith|SFT|DPO|CSV|JSON|JSONL|API|[Tt]okens?)$/,
  /^(ft:|ftjob-|file-|sk-)/,
  /^[\w.-]+\.jsonl$/,
  /^(suffix|seed|temperature|Top P|stop)$/,
  /^US\$[\d.,]+( – US\$[\d.,]+)?$/,
  /^(nano|zhinan|cpu|auto|gpt-4o-mini\S*)$/,
  /^[a-z]+(_[a-z]+)+$/,
]

/** The texts and names on the page that have no Chinese in them although they have words; `said` is the model's. */
export async function notChinese(page: Page, said = ''): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const found: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (node.parentElement?.checkVisibility({ visibilityProperty: true }))
        found.push(node.textContent ?? '')
    for (const name of ['aria-label', 'placeholder', 'alt'])
      for (const element of document.querySelectorAll(`[${name}]`))
        if (element.checkVisibility({ visibilityProperty: true }))
          found.push(element.getAttribute(name) ?? '')
    return found
  })
  return texts
    .map((text) => text.trim())
    .filter((text) => /[A-Za-z]{2}/.test(text) && !/\p{Script=Han}/u.test(text))
    .filter((text) => !SAME.some((pattern) => pattern.test(text)) && !said.includes(text))
}

/** Contact sheets: many pictures on one, each with its name, so that nobody looks at fewer than there are. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Browser } from '@playwright/test'

const ROWS = 3
const WIDTH = 1_800

/** `into-1.png`, `into-2.png` … of all pictures in a folder, so many in a row. */
export async function sheets(browser: Browser, folder: string, into: string, columns: number): Promise<void> {
  mkdirSync(dirname(into), { recursive: true })
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.png'))
    .sort()
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 } })
  const each = columns * ROWS
  for (let from = 0; from < names.length; from += each) {
    const figures = names.slice(from, from + each).map((name) => {
      const data = readFileSync(join(folder, name)).toString('base64')
      return `<figure><figcaption>${basename(name, '.png')}</figcaption><img src="data:image/png;base64,${data}"></figure>`
    })
    await page.setContent(`<style>
      body { margin: 8px; display: grid; gap: 8px; grid-template-columns: repeat(${columns}, 1fr); background: #777 }
      figure { margin: 0; background: #fff; font: 13px sans-serif } figcaption { padding: 2px 6px }
      img { display: block; width: 100%; max-height: ${columns > 4 ? 520 : 620}px; object-fit: cover; object-position: top }
    </style>${figures.join('')}`)
    await page.screenshot({ path: `${into}-${from / each + 1}.png`, fullPage: true })
  }
  await page.close()
}

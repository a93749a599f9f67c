/** Somebody uploads two hundred megabytes, sees how far it is on every page, changes their mind, and does it again. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, sample, signIn, test } from './people'
import { call } from './tuned'

const BYTES = 200 * 1024 * 1024
/** The server's process. It rests while one looks at an upload that is under way: the line to it is too quick. */
const SERVER = Number(process.env.SERVER_PID ?? 0)
const rests = (still: boolean) => SERVER && process.kill(SERVER, still ? 'SIGSTOP' : 'SIGCONT')

test('a large upload tells its progress, can be cancelled, leaves nothing behind, and arrives the second time', async ({
  page,
  baseURL,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'upload-'))
  const name = `large-${Date.now()}.jsonl`
  const path = join(folder, name)
  const rows = Buffer.from(readFileSync(sample('marv/train.jsonl')))
  const into = openSync(path, 'w')
  let size = 0
  while (size < BYTES) size += writeSync(into, rows)
  closeSync(into)
  try {
    await signIn(page, '/console/datasets')
    await page.getByRole('link', { name: 'Models', exact: true }).first().click()
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible()
    await page.getByRole('link', { name: 'Datasets' }).first().click()
    const chooser = page.locator('input[type=file]')
    await chooser.setInputFiles(path)
    const row = page.getByRole('region', { name: 'Uploads' }).getByRole('listitem').filter({ hasText: name })
    const share = async () => Number(await row.getByRole('progressbar').getAttribute('value'))
    await expect.poll(share, { intervals: [5] }).toBeGreaterThan(0)
    rests(true)
    await expect(row).toContainText(/[1-9]\d* ?% · .+ of .+ · .+\/s · .+ left/)

    // it goes on while one looks at something else
    const first = await share()
    await page.getByRole('link', { name: 'Models', exact: true }).first().click()
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible()
    await page.getByRole('link', { name: 'Datasets' }).first().click()
    await expect(row).toBeVisible()
    rests(false)
    await expect.poll(share, { intervals: [5] }).toBeGreaterThan(first)
    rests(true)
    await row.getByRole('button', { name: 'Cancel' }).click()
    await expect(row).toContainText('Cancelled')
    rests(false)
    const names = async () =>
      (await call<{ data: { filename: string }[] }>(baseURL as string, '/files')).data.map(
        (file) => file.filename,
      )
    expect(await names()).not.toContain(name)

    await row.getByRole('button', { name: `Dismiss ${name}` }).click()
    await chooser.setInputFiles(path)
    await expect(row).toContainText('Uploaded', { timeout: 240_000 })
    expect(await names()).toContain(name)
    const id = (
      await call<{ data: { id: string; filename: string; bytes: number }[] }>(baseURL as string, '/files')
    ).data.find((file) => file.filename === name)
    expect(id?.bytes).toBe(size)
    await call(baseURL as string, `/files/${id?.id}`, { method: 'DELETE' })
  } finally {
    rests(false)
    rmSync(folder, { recursive: true })
  }
})

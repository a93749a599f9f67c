import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

/** What travels by XMLHttpRequest; each is answered when a test says so. */
class Sent {
  static all: Sent[] = []
  upload = { addEventListener: () => undefined }
  status = 0
  response: unknown = null
  path = ''
  aborted = false
  private heard = new Map<string, () => void>()
  open(_method: string, path: string) {
    this.path = path
  }
  setRequestHeader() {}
  getResponseHeader() {
    return null
  }
  addEventListener(event: string, hear: () => void) {
    this.heard.set(event, hear)
  }
  send() {
    Sent.all.push(this)
  }
  abort() {
    if (this.status) return
    this.aborted = true
    this.heard.get('abort')?.()
  }
  answer(status: number, response: unknown) {
    this.status = status
    this.response = response
    this.heard.get('load')?.()
  }
}
/** What travels by fetch, by path; the server takes all of it. */
let fetched: string[] = []
const GIBI = 1024 * 1024 * 1024

const file = (text: string, size = text.length): File =>
  ({ name: 'rows.jsonl', size, slice: () => new Blob([text]) }) as unknown as File
const folder = {
  name: 'folder',
  size: 4096,
  slice: () => ({ text: () => Promise.reject(new DOMException('gone', 'NotFoundError')) }),
} as unknown as File
const ROW = '{"messages": []}\n'
const settled = () => vi.advanceTimersByTimeAsync(0)

describe('an upload', () => {
  let uploading: typeof import('@/api/uploading')
  let key: typeof import('@/api/key')
  const state = (id: number) => uploading.current().find((one) => one.id === id)?.state

  beforeAll(async () => {
    const kept = new Map<string, string>()
    const storage = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, text: string) => kept.set(name, text),
      removeItem: (name: string) => kept.delete(name),
    }
    vi.stubGlobal('sessionStorage', storage)
    vi.stubGlobal('localStorage', storage)
    vi.stubGlobal('addEventListener', () => undefined)
    vi.stubGlobal('XMLHttpRequest', Sent)
    const { Request } = globalThis
    vi.stubGlobal(
      'Request',
      class extends Request {
        constructor(input: string | Request, init?: RequestInit) {
          super(typeof input === 'string' ? new URL(input, 'http://here') : input, init)
        }
      },
    )
    vi.stubGlobal('fetch', (input: Request) => {
      if (input.signal.aborted) return Promise.reject(new DOMException('aborted', 'AbortError'))
      fetched.push(new URL(input.url).pathname)
      return Promise.resolve(Response.json({ id: 'upload_1', file: { id: 'file-1' } }))
    })
    uploading = await import('@/api/uploading')
    key = await import('@/api/key')
    key.signIn('sk-first', false, null)
  })
  beforeEach(() => {
    vi.useFakeTimers()
    Sent.all = []
    fetched = []
  })
  afterEach(() => vi.useRealTimers())

  it('arrives, and says so once', async () => {
    const ended: string[] = []
    const id = uploading.begin(file(ROW), (one) => ended.push(one.state))
    await settled()
    expect(Sent.all.map(({ path }) => path)).toEqual(['/v1/files'])
    Sent.all[0]?.answer(200, { id: 'file-1' })
    await settled()
    expect(state(id)).toBe('done')
    expect(ended).toEqual(['done'])
  })

  it('of something that cannot be read is refused, not looked at for ever', async () => {
    const ended: string[] = []
    const id = uploading.begin(folder, (one) => ended.push(one.look?.problem ?? ''))
    await settled()
    expect(state(id)).toBe('refused')
    expect(ended).toEqual(['unreadable'])
    expect(uploading.current().some(uploading.isMoving)).toBe(false)
  })

  it('that is cancelled during the first look sends nothing', async () => {
    const id = uploading.begin(file(ROW), () => undefined)
    uploading.cancel(id)
    await settled()
    expect(Sent.all).toEqual([])
    expect(state(id)).toBe('cancelled')
  })

  it('that is too large for one request goes in parts', async () => {
    uploading.begin(file(ROW, GIBI), () => undefined)
    await settled()
    expect(fetched).toEqual(['/v1/uploads'])
    expect(Sent.all.map(({ path }) => path)).toEqual(Array(3).fill('/v1/uploads/upload_1/parts'))
  })

  it('in parts that is cancelled in the pause before a second try sends nothing more', async () => {
    const id = uploading.begin(file(ROW, GIBI), () => undefined)
    await settled()
    for (const part of Sent.all) part.answer(503, null)
    await settled()
    uploading.cancel(id)
    await settled()
    expect(state(id)).toBe('cancelled') // at once, not when the pause is over
    await vi.advanceTimersByTimeAsync(60_000)
    expect(Sent.all).toHaveLength(3)
    expect(fetched).not.toContain('/v1/uploads/upload_1/complete')
  })

  it('in parts of which one is refused for good sends the others no further', async () => {
    const id = uploading.begin(file(ROW, GIBI), () => undefined)
    await settled()
    Sent.all[0]?.answer(413, null)
    await settled()
    expect(Sent.all.map(({ aborted }) => aborted)).toEqual([false, true, true])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(Sent.all).toHaveLength(3)
    expect(state(id)).toBe('failed')
    expect(fetched).toContain('/v1/uploads/upload_1/cancel')
  })

  it('ends with the key that it was begun with, and is not shown to the next', async () => {
    const ended: string[] = []
    uploading.begin(file(ROW, GIBI), (one) => ended.push(one.state))
    await settled()
    key.signIn('sk-second', false, null)
    expect(uploading.current()).toEqual([])
    for (const part of Sent.all) part.answer(200, { id: 'part_1' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(Sent.all).toHaveLength(3)
    expect(ended).toEqual([])
  })
})

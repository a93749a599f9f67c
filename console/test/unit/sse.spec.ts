import { describe, expect, it } from 'vitest'
import { events } from '@/api/sse'

/** A body that comes in pieces of `size` bytes. */
function body(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + size))
      at += size
    },
  })
}
async function read(text: string, size: number): Promise<string[]> {
  const found: string[] = []
  for await (const data of events(body(text, size))) found.push(data)
  return found
}

describe('a stream of events', () => {
  const TEXT =
    'data: {"a":"你好"}\n\n: waiting\n\ndata: one\ndata: two\n\nevent: x\ndata:bare\n\ndata: [DONE]\n\n'

  it('reads the same however it is cut, even within a character', async () => {
    for (const size of [1, 2, 3, 5, 7, 1000]) {
      expect(await read(TEXT, size)).toEqual(['{"a":"你好"}', 'one\ntwo', 'bare', '[DONE]'])
    }
  })
  it('takes all three line ends', async () => {
    for (const size of [1, 4, 100]) {
      expect(await read('data: a\r\n\r\ndata: b\r\n\r\n', size)).toEqual(['a', 'b'])
      expect(await read('data: a\r\rdata: b\r\r', size)).toEqual(['a', 'b'])
    }
  })
  it('leaves out an event that was cut before its end', async () => {
    expect(await read('data: whole\n\ndata: ha', 3)).toEqual(['whole'])
  })
  it('stops the answer when nobody listens any more', async () => {
    let stopped = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: more\n\n')),
      cancel: () => {
        stopped = true
      },
    })
    for await (const data of events(endless)) {
      expect(data).toBe('more')
      break
    }
    await new Promise((done) => setTimeout(done))
    expect(stopped).toBe(true)
  })
})

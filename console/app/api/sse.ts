/** Server-sent events out of an answer's body, as the data of each. EventSource cannot send the key. */

/** The most that an event may hold: more is no event of this server. */
const MOST_CHARS = 16_000_000

/** The `data` of every event, in their order; ends with the body. Comments and other fields are passed over. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    while (true) {
      const { done, value } = await reader.read()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      const { whole, left } = split(rest, done)
      rest = left
      for (const event of whole) {
        const data = dataOf(event)
        if (data !== null) yield data
      }
      if (done) return // an event without its blank line was cut: it does not count
      if (rest.length > MOST_CHARS) throw new Error('The stream holds an event without an end.')
    }
  } finally {
    reader.cancel().catch(() => undefined) // whoever stops listening stops the answer
  }
}

/** Events end with a blank line; a line ends with LF, CRLF or CR. A CR at the very end may be half of a CRLF. */
function split(text: string, isAll: boolean): { whole: string[]; left: string } {
  const held = text.endsWith('\r') && !isAll ? text.slice(0, -1) : text
  const parts = held.split(/\r\n\r\n|\n\n|\r\r/)
  const left = parts.pop() ?? ''
  return { whole: parts, left: left + text.slice(held.length) }
}

function dataOf(event: string): string | null {
  const lines = event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5))
  return lines.length ? lines.join('\n') : null
}

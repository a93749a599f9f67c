import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

/** A model that answers when it is told to. */
type Asked = {
  model: string
  body: {
    messages: { role: string; content: string | null }[]
    continue_final_message?: true
    seed?: number
    temperature?: number
  }
  say: (text: string) => void
  call: (id: string, name: string, given: string) => void
  end: () => void
  cut: () => void
  aborted: () => boolean
}
const asked: Asked[] = []

function answering(input: Request): Promise<Response> {
  const body = input.clone().json()
  let controller: ReadableStreamDefaultController<Uint8Array>
  const stream = new ReadableStream<Uint8Array>({
    start: (made) => {
      controller = made
    },
  })
  const send = (text: string) => controller.enqueue(new TextEncoder().encode(`data: ${text}\n\n`))
  let aborted = false
  input.signal.addEventListener('abort', () => {
    aborted = true
    controller.error(new DOMException('aborted', 'AbortError'))
  })
  return body.then((body: Asked['body'] & { model: string }) => {
    asked.push({
      model: body.model,
      body,
      say: (text) => send(JSON.stringify({ choices: [{ delta: { content: text } }] })),
      call: (id, name, given) =>
        send(
          JSON.stringify({
            choices: [{ delta: { tool_calls: [{ index: 0, id, function: { name, arguments: given } }] } }],
          }),
        ),
      end: () => {
        send('[DONE]')
        controller.close()
      },
      cut: () => controller.close(), // without the word that ends an answer
      aborted: () => aborted,
    })
    return new Response(stream)
  })
}

const kept = new Map<string, string>()
const soon = () => new Promise((done) => setTimeout(done, 5))
const asking = async (count: number) => {
  for (let tried = 0; asked.length < count && tried < 400; tried++) await soon()
  return asked[count - 1] as Asked
}

describe('the playground', () => {
  let session: typeof import('@/pages/playground/session')
  const answers = () => {
    const turn = session.current().turns.at(-1)
    return turn?.role === 'assistant' ? turn.answers : []
  }
  const shown = (...texts: string[]) =>
    vi.waitFor(() => expect(answers().map((one) => one?.text)).toEqual(expect.arrayContaining(texts)))
  const HOW = { asked: () => ({}), apart: false }

  beforeAll(async () => {
    const storage = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, text: string) => kept.set(name, text),
      removeItem: (name: string) => kept.delete(name),
    }
    vi.stubGlobal('sessionStorage', storage)
    vi.stubGlobal('localStorage', storage)
    vi.stubGlobal('addEventListener', () => undefined)
    vi.stubGlobal('requestAnimationFrame', (tell: () => void) => setTimeout(tell))
    vi.stubGlobal('location', { origin: 'http://server.test' })
    vi.stubGlobal('fetch', answering)
    session = await import('@/pages/playground/session')
  }, 60_000)
  afterEach(() => {
    session.clear()
    asked.length = 0
  })

  it('asks all models at once, and calls no speed a measurement that was shared', async () => {
    const done = session.send('Hello', ['a', 'b'], HOW)
    await asking(2)
    asked[0]?.say('one')
    asked[1]?.say('two')
    asked[0]?.end()
    asked[1]?.end()
    await done
    expect(answers().map((one) => [one?.model, one?.text, one?.state, one?.alone])).toEqual([
      ['a', 'one', 'done', false],
      ['b', 'two', 'done', false],
    ])
  })
  it('gives columns that are compared one seed, keeps it with the answers, and lets a typed one be', async () => {
    const seeds = () => asked.map(({ body }) => body.seed)
    const both = session.send('Hello', ['a', 'b'], HOW)
    await asking(2)
    const [first, second] = seeds()
    expect(first).toBeTypeOf('number')
    expect(second).toBe(first)
    for (const one of asked) one.end()
    await both
    expect(answers().map((one) => one?.seed)).toEqual([first, first])

    const id = session.current().turns.at(-1)?.id as number
    const again = session.regenerate(id, ['a', 'b'], HOW, 1)
    ;(await asking(3)).end()
    await again
    const added = session.regenerate(id, ['a', 'b', 'c'], HOW, 2)
    ;(await asking(4)).end()
    await added
    const typed = session.regenerate(id, ['a', 'b'], { ...HOW, asked: () => ({ seed: 7 }) })
    await asking(6)
    for (const one of asked.slice(4)) one.end()
    await typed
    const alone = session.send('Again', ['a'], HOW)
    ;(await asking(7)).end()
    await alone
    expect(seeds().slice(2)).toEqual([undefined, first, 7, 7, undefined])
  })
  it('asks each column with what is its own', async () => {
    const changes = await import('@/pages/playground/changes')
    session.setSystem('For all.')
    changes.shareSystem(false, 2)
    session.setSystem('Short.', 1)
    const done = session.send('Hello', ['a', 'b'], {
      ...HOW,
      asked: (column) => ({ temperature: column, seed: 1 }),
    })
    await asking(2)
    for (const one of asked) one.end()
    await done
    expect(asked.map(({ body }) => [body.messages[0]?.content, body.temperature])).toEqual([
      ['For all.', 0],
      ['Short.', 1],
    ])
    changes.keepEdit('a question', 1)
    changes.keepEdit('its answer', 2, 0)
    session.removeColumn(0)
    expect(session.current().edits).toEqual({ 1: 'a question' })
    expect(session.current().systems).toEqual(['Short.'])
    changes.shareSystem(true, 1)
    expect(session.current()).toMatchObject({ system: 'Short.', systems: null })
    session.setSystem('')
  })
  it('asks in turn, each alone', async () => {
    const done = session.send('Hello', ['a', 'b'], { ...HOW, apart: true })
    const first = await asking(1)
    await soon()
    expect(asked).toHaveLength(1)
    expect(answers()[1]?.state).toBe('waiting')
    first.end()
    const second = await asking(2)
    second.end()
    await done
    expect(answers().map((one) => one?.alone)).toEqual([true, true])
  })
  it('keeps what has come when it is stopped, and asks nobody who still waits', async () => {
    const done = session.send('Hello', ['a', 'b'], { ...HOW, apart: true })
    const first = await asking(1)
    first.say('half')
    await shown('half')
    session.stop()
    await done
    expect(first.aborted()).toBe(true)
    expect(asked).toHaveLength(1)
    expect(answers().map((one) => [one?.text, one?.state, one?.alone])).toEqual([
      ['half', 'stopped', true],
      ['', 'stopped', null],
    ])
  })
  it('asks again without the old answer having a say', async () => {
    const first = session.send('Hello', ['a'], HOW)
    const old = await asking(1)
    old.say('old')
    await shown('old')
    const turn = session.current().turns.at(-1)
    const second = session.regenerate(turn?.id as number, ['a'], HOW)
    const fresh = await asking(2)
    expect(old.aborted()).toBe(true)
    fresh.say('new')
    fresh.end()
    await Promise.all([first, second])
    expect(answers().map((one) => [one?.text, one?.state])).toEqual([['new', 'done']])
  })
  it('says so when an answer breaks off, and keeps its part', async () => {
    const done = session.send('Hello', ['a'], HOW)
    const only = await asking(1)
    only.say('part')
    only.cut()
    await done
    expect(answers().map((one) => [one?.text, one?.state, one?.fault?.code, one?.alone])).toEqual([
      ['part', 'failed', 'stream_cut', true],
    ])
  })
  it('goes on from the part that came, and keeps it whatever happens next', async () => {
    const done = session.send('Hello', ['a'], HOW)
    const first = await asking(1)
    first.say('Once upon')
    first.cut()
    await done
    const id = session.current().turns.at(-1)?.id as number
    const on = session.goOn(id, 0, ['a'], HOW)
    const second = await asking(2)
    expect(second.body.continue_final_message).toBe(true)
    expect(second.body.messages.at(-1)).toEqual({ role: 'assistant', content: 'Once upon' })
    second.say(' a time')
    second.cut()
    await on
    expect(answers().map((one) => [one?.text, one?.state, one?.continued])).toEqual([
      ['Once upon a time', 'failed', true],
    ])
  })
  it('lets only those who made calls answer to results', async () => {
    const done = session.send('Hello', ['a', 'b'], HOW)
    await asking(2)
    asked[0]?.call('call_1', 'f', '{}')
    asked[1]?.say('No call.')
    asked[0]?.end()
    asked[1]?.end()
    await done
    const changes = await import('@/pages/playground/changes')
    changes.setResult(session.current().turns.at(-1)?.id as number, 0, 0, '18')
    const next = session.answer(['a', 'b'], HOW)
    const third = await asking(3)
    expect(third.model).toBe('a')
    expect(third.body.messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Hello'],
      ['assistant', null],
      ['tool', '18'],
    ])
    third.say('It is 18.')
    third.end()
    await next
    expect(asked).toHaveLength(3)
    expect(answers().map((one) => one?.text ?? null)).toEqual(['It is 18.', null])
  })
  it('shows answers that were asked for five times under their own model alone, and to nobody else', async () => {
    const spread = await import('@/pages/playground/spread')
    const keys = await import('@/api/key')
    const request = { model: 'm', messages: [] }
    keys.signIn('sk-one', false, null)
    for (const column of [0, 1, 2]) spread.ask(7, column, request)
    session.removeColumn(1)
    expect([0, 1, 2].map((column) => spread.spreadAt(7, column) !== undefined)).toEqual([true, false, false])
    session.add('user', 'Hello', 1)
    const { nextId } = session.current()
    keys.signIn('sk-another', false, null)
    expect(spread.spreadAt(7, 0)).toBeUndefined()
    expect(session.current()).toMatchObject({ turns: [], nextId })
  })
  it('keeps the parts under their own models when a column goes while answers come', async () => {
    const done = session.send('Hello', ['a', 'b', 'c'], HOW)
    await asking(3)
    for (const one of asked) one.say(`of ${one.model}`)
    await shown('of a', 'of b', 'of c')
    session.removeColumn(0)
    await done
    expect(answers().map((one) => [one?.model, one?.text, one?.state])).toEqual([
      ['b', 'of b', 'stopped'],
      ['c', 'of c', 'stopped'],
    ])
    expect(asked.every((one) => one.aborted())).toBe(true)
  })
  it('asks nobody in turn whose column has moved', async () => {
    const done = session.send('Hello', ['a', 'b'], { ...HOW, apart: true })
    await asking(1)
    session.removeColumn(0)
    await done
    expect(asked).toHaveLength(1)
    expect(answers().map((one) => [one?.model, one?.state])).toEqual([['b', 'stopped']])
  })
  it('moves what is typed in place of an answer with its column', async () => {
    const changes = await import('@/pages/playground/changes')
    const done = session.send('Hello', ['a', 'b'], HOW)
    await asking(2)
    const id = session.current().turns.at(-1)?.id as number
    changes.keepEdit('of a', id, 0)
    changes.keepEdit('of b', id, 1)
    session.removeColumn(0)
    await done
    expect(session.current()).toMatchObject({ edits: { [`${id}/0`]: 'of b' }, columnsGone: 1 })
  })
  it('lets what a person has saved stand, whatever still comes', async () => {
    const done = session.send('Hello', ['a', 'b'], { ...HOW, apart: true })
    const first = await asking(1)
    first.say('of the model')
    await shown('of the model')
    const id = session.current().turns.at(-1)?.id as number
    session.edit(id, 0, 'of mine')
    session.edit(id, 1, 'mine too')
    await done
    expect(first.aborted()).toBe(true)
    expect(asked).toHaveLength(1)
    expect(answers().map((one) => [one?.text, one?.state, one?.edited])).toEqual([
      ['of mine', 'done', true],
      ['mine too', 'done', true],
    ])
  })
  it('stops asking for a turn that is removed', async () => {
    const done = session.send('Hello', ['a'], HOW)
    const only = await asking(1)
    session.remove(session.current().turns.at(-1)?.id as number)
    await done
    expect(only.aborted()).toBe(true)
    expect(session.current().turns.map((one) => one.role)).toEqual(['user'])
  })
})

import { describe, expect, it } from 'vitest'
import {
  allFromUrl,
  allToUrl,
  asked,
  fromUrl,
  isGood,
  type Parameters_,
  toUrl,
  unescaped,
} from '@/lib/chatParameters'
import { NO_SHAPE } from '@/lib/chatShape'
import {
  type Answer,
  type Conversation,
  calling,
  heaviest,
  messagesFor,
  newAnswer,
  revived,
  speedOf,
  whyNotOn,
} from '@/pages/playground/conversation'

const answer = (text: string) => ({ ...newAnswer('m'), text, state: 'done' as const })
const talk: Conversation = {
  system: 'Be brief.',
  systems: null,
  edits: {},
  columnsGone: 0,
  shape: NO_SHAPE,
  nextId: 4,
  turns: [
    { id: 1, role: 'user', text: 'One?' },
    { id: 2, role: 'assistant', answers: [answer('A'), answer('B'), null] },
    { id: 3, role: 'user', text: 'Two?' },
  ],
}

describe('a conversation with several models', () => {
  it('sends each its own answers, and the first one’s to who was not asked', () => {
    expect(messagesFor(talk, 1, 3).map(({ content }) => content)).toEqual(['Be brief.', 'One?', 'B', 'Two?'])
    expect(messagesFor(talk, 2, 3).map(({ content }) => content)).toEqual(['Be brief.', 'One?', 'A', 'Two?'])
    expect(messagesFor(talk, 0, 1)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One?' },
    ])
  })
  it('is stopped, not running for ever, after a reload', () => {
    const cut = {
      ...talk,
      turns: [{ id: 2, role: 'assistant' as const, answers: [newAnswer('m'), null] }],
    }
    const [turn] = revived(cut).turns
    expect(turn?.role === 'assistant' && turn.answers[0]).toMatchObject({ state: 'stopped', alone: null })
  })
  it('measures speed from the first token on, and not of a handful', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 21 }
    expect(speedOf({ ...answer('x'), usage, restMs: 1000 })).toBe(20)
    expect(speedOf({ ...answer('x'), usage: { ...usage, completion_tokens: 3 }, restMs: 10 })).toBeNull()
  })
})

describe('calls of an answer', () => {
  const call = (id: string, result: string | null) => ({ id, name: 'f', arguments: '{"a":1}', result })
  const called = (...calls: ReturnType<typeof call>[]): Answer => ({ ...answer(''), calls })
  const asking = (...answers: Answer[]): Conversation => ({
    ...talk,
    system: '',
    turns: [
      { id: 1, role: 'user', text: 'Go' },
      { id: 2, role: 'assistant', answers },
    ],
  })
  it('are sent with what came of them, one turn for each', () => {
    expect(messagesFor(asking(called(call('x', '18'), call('y', ''))), 0, 2)).toEqual([
      { role: 'user', content: 'Go' },
      {
        role: 'assistant',
        content: null,
        tool_calls: ['x', 'y'].map((id) => ({
          id,
          type: 'function',
          function: { name: 'f', arguments: '{"a":1}' },
        })),
      },
      { role: 'tool', content: '18', tool_call_id: 'x' },
      { role: 'tool', content: '', tool_call_id: 'y' },
    ])
  })
  it('wait until each has its result, whichever column made them', () => {
    expect(calling(asking(called(call('x', '18')), called(call('y', ' '))).turns)).toEqual({
      columns: [0, 1],
      complete: false,
    })
    expect(calling(asking(called(call('x', '18')), answer('No.')).turns)).toEqual({
      columns: [0],
      complete: true,
    })
    expect(calling([])).toEqual({ columns: [], complete: true })
  })
  it('of one column are nothing to another, nor what was said of them', () => {
    const { turns, ...rest } = asking(called(call('x', '18')), answer('No.'))
    const later: Conversation = {
      ...rest,
      turns: [...turns, { id: 3, role: 'assistant', answers: [answer('It is 18.'), null] }],
    }
    expect(messagesFor(later, 1, 3).map(({ content }) => content)).toEqual(['Go', 'No.'])
    expect(messagesFor(later, 0, 3).map(({ content }) => content)).toEqual(['Go', null, '18', 'It is 18.'])
  })
})

describe('an answer that can go on', () => {
  const part = { ...answer('Once upon'), state: 'stopped' as const }
  it('was stopped, broken off, cut at the limit, or written by a person', () => {
    expect(whyNotOn(part, 'm', false)).toBeNull()
    expect(whyNotOn({ ...answer('a'), finish: 'length' }, 'm', false)).toBeNull()
    expect(whyNotOn({ ...answer('a'), state: 'failed' }, 'm', false)).toBeNull()
    expect(whyNotOn({ ...answer('a'), model: '', edited: true }, 'm', false)).toBeNull()
  })
  it('has text, is not finished, and made no call', () => {
    expect(whyNotOn({ ...answer('a'), finish: 'stop' }, 'm', false)).toBe(false)
    expect(whyNotOn({ ...part, text: '' }, 'm', false)).toBe(false)
    const calls = [{ id: '1', name: 'f', arguments: '', result: null }]
    expect(whyNotOn({ ...part, calls }, 'm', false)).toBe(false)
    expect(whyNotOn({ ...part, state: 'running' }, 'm', false)).toBe(false)
  })
  it('is this model’s own, and free in its form', () => {
    expect(whyNotOn(part, 'another', false)).toBe('other')
    expect(whyNotOn(part, 'm', true)).toBe('form')
  })
})

describe('a prompt that is too long', () => {
  it('has a turn that is the longest, in bytes and not in signs', () => {
    const long: Conversation = { ...talk, system: 'xx', turns: [{ id: 1, role: 'user', text: '好好' }] }
    expect(heaviest(long, 0, 1)).toEqual({ turn: 1, role: 'user', share: 0.75 })
    expect(heaviest({ ...long, system: 'x'.repeat(18) }, 0, 1)).toEqual({
      turn: 0,
      role: 'system',
      share: 0.75,
    })
    expect(heaviest({ ...talk, system: '' }, 0, 0)).toBeNull()
    expect(heaviest({ ...long, systems: ['', 'x'.repeat(18)] }, 1, 1)?.role).toBe('system')
    const tools = JSON.stringify([{ type: 'function', function: { name: 'f' } }])
    expect(heaviest({ ...long, shape: { ...NO_SHAPE, tools } }, 0, 1)).toMatchObject({
      turn: 0,
      role: 'tools',
    })
  })
})

describe('parameters of a chat', () => {
  it('go into the URL and come back', () => {
    const search = new URLSearchParams('m=a&t=0.7&max=40&stop=x&stop=%0A&lp=1')
    const parameters = fromUrl(search)
    expect(asked(parameters)).toEqual({
      temperature: 0.7,
      max_completion_tokens: 40,
      stop: ['x', '\n'],
      logprobs: true,
      top_logprobs: 5,
    })
    const after = new URLSearchParams('m=a')
    toUrl(after, parameters)
    expect(fromUrl(after)).toEqual(parameters)
  })
  it('are those of all columns, or each one’s own', () => {
    const search = new URLSearchParams('m=a&m=b&t=0.7&lp=1&t2=0.1')
    const temperatures = () => allFromUrl(search, 2).map(({ numbers }) => numbers.temperature)
    expect(temperatures()).toEqual(['0.7', '0.7'])
    const [first, second] = allFromUrl(search, 2) as [Parameters_, Parameters_]
    const own = [first, { ...second, numbers: { ...second.numbers, temperature: '0.2' }, stop: ['x'] }]
    allToUrl(search, own, true)
    expect(search.toString()).toBe('m=a&m=b&t=0.7&lp=1&t2=0.2&each=1&stop2=x')
    expect(temperatures()).toEqual(['0.7', '0.2'])
    expect(allFromUrl(search, 2)[1]?.logprobs).toBe(true)
    allToUrl(search, own, false)
    expect(search.toString()).toBe('m=a&m=b&t=0.7&lp=1')
  })
  it('are left to the server where nothing is typed, or nothing good', () => {
    expect(asked(fromUrl(new URLSearchParams('t=9&p=&seed=1.5')))).toEqual({})
    expect(isGood('temperature', '0')).toBe(true)
    expect(isGood('max_completion_tokens', '0')).toBe(false)
    expect(unescaped('a\\nb\\\\n')).toBe('a\nb\\n')
  })
})

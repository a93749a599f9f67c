import { describe, expect, it } from 'vitest'
import { asked, fromUrl, isGood, toUrl, unescaped } from '@/lib/chatParameters'
import { type Conversation, messagesFor, newAnswer, revived, speedOf } from '@/pages/playground/conversation'

const answer = (text: string) => ({ ...newAnswer('m'), text, state: 'done' as const })
const talk: Conversation = {
  system: 'Be brief.',
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
    expect(turn?.role === 'assistant' && turn.answers[0]?.state).toBe('stopped')
  })
  it('measures speed from the first token on, and not of a handful', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 21 }
    expect(speedOf({ ...answer('x'), usage, restMs: 1000 })).toBe(20)
    expect(speedOf({ ...answer('x'), usage: { ...usage, completion_tokens: 3 }, restMs: 10 })).toBeNull()
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
  it('are left to the server where nothing is typed, or nothing good', () => {
    expect(asked(fromUrl(new URLSearchParams('t=9&p=&seed=1.5')))).toEqual({})
    expect(isGood('temperature', '0')).toBe(true)
    expect(isGood('max_completion_tokens', '0')).toBe(false)
    expect(unescaped('a\\nb\\\\n')).toBe('a\nb\\n')
  })
})

import { describe, expect, it } from 'vitest'
import { NO_SHAPE } from '@/lib/chatShape'
import { isPrompt } from '@/lib/heldFragment'
import { fragmentOf, type Prompt, promptOf } from '@/lib/promptLink'

const prompt: Prompt = {
  system: 'Be brief. 简短。',
  systems: null,
  turns: [
    { role: 'user', text: '<b>One</b>\u202E #?&=' },
    { role: 'assistant', text: '' },
    { role: 'user', text: '👍'.repeat(50) },
  ],
  shape: { ...NO_SHAPE, tools: '[]', choice: '=f' },
}
const packed = async (value: unknown) => {
  const stream = new Blob([JSON.stringify(value)]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return `#prompt=${Buffer.from(await new Response(stream).arrayBuffer()).toString('base64url')}`
}

describe('a prompt in a link', () => {
  it('comes out as it went in, in signs that every address takes', async () => {
    const fragment = await fragmentOf(prompt)
    expect(fragment).toMatch(/^#prompt=[\w-]+$/)
    expect(await promptOf(fragment)).toEqual(prompt)
  })
  it('has the system prompt of each model where they have their own', async () => {
    const own = { ...prompt, systems: ['Long.', ''] }
    expect(await promptOf(await fragmentOf(own))).toEqual(own)
    expect((await promptOf(await packed({ s: '', e: ['a', 3, 'c', 'd'], t: [] })))?.systems).toEqual([
      'a',
      '',
      'c',
    ])
  })
  it('is known by its mark', () => {
    expect(isPrompt('#code=abc')).toBe(false)
    expect(isPrompt('')).toBe(false)
  })
  it('is nothing where it is cut, foreign, or wrong inside', async () => {
    const whole = await fragmentOf(prompt)
    for (const text of [whole.slice(0, -9), '#prompt=', '#prompt=%%', '#code=x'])
      expect(await promptOf(text)).toBeNull()
    for (const value of [
      null,
      [],
      { s: 1, t: [] },
      { s: '', t: [['system', 'x']] },
      { s: '', t: [['user', 3]] },
    ])
      expect(await promptOf(await packed(value))).toBeNull()
  })
  it('takes no text that swells beyond reason', async () => {
    expect(await promptOf(await packed({ s: 'x'.repeat(5_000_000), t: [] }))).toBeNull()
  })
  it('has no tools where those are not understood', async () => {
    expect((await promptOf(await packed({ s: '', t: [], f: { tools: 3 } })))?.shape).toEqual(NO_SHAPE)
  })
})

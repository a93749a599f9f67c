import { beforeEach, describe, expect, it, vi } from 'vitest'

/** A browser's storage: its names are its own keys, its methods are not. */
function storage(kept: Record<string, string> = {}): Storage {
  const made = { ...kept } as unknown as Storage
  const methods = {
    getItem: (name: string) => (Object.hasOwn(made, name) ? made[name] : null),
    setItem: (name: string, text: string) => {
      made[name] = text
    },
    removeItem: (name: string) => {
      delete made[name]
    },
  }
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(made, name, { value })
  return made
}

/** All channels of an origin hear each other, and none hears itself. */
let channels: Channel[] = []
class Channel {
  hears: ((event: { data: unknown }) => void)[] = []
  constructor() {
    channels.push(this)
  }
  addEventListener(_: string, hear: (event: { data: unknown }) => void) {
    this.hears.push(hear)
  }
  postMessage(data: unknown) {
    for (const other of channels) if (other !== this) for (const hear of other.hears) hear({ data })
  }
}

const local = storage()

type Keys = typeof import('@/api/key')
type Tab = { keys: Keys; storage: Storage }

/** Another tab of the same browser: a module of its own, a session storage of its own. */
async function tab(kept: Record<string, string> = {}): Promise<Tab> {
  const own = storage(kept)
  vi.resetModules()
  const keys = await import('@/api/key')
  const inside =
    <T extends unknown[], R>(act: (...all: T) => R) =>
    (...all: T): R => {
      vi.stubGlobal('sessionStorage', own)
      return act(...all)
    }
  await inside(keys.start)()
  return {
    storage: own,
    keys: {
      ...keys,
      signIn: inside(keys.signIn),
      signOut: inside(keys.signOut),
      keyEnded: inside(keys.keyEnded),
    },
  }
}

describe('the key of a tab', () => {
  beforeEach(() => {
    channels = []
    for (const name of Object.keys(local)) local.removeItem(name)
    vi.stubGlobal('BroadcastChannel', Channel)
    vi.stubGlobal('localStorage', local)
  })

  it('stays when the device stops remembering it, also over a reload', async () => {
    local.setItem('tunesmith.key', 'sk-a')
    const { keys, storage: kept } = await tab()
    keys.rememberOnlyHere()
    channels = []
    const again = await tab({ ...kept })
    expect(again.keys.currentKey()).toBe('sk-a')
  })
  it('takes with it all that the tab kept of a person, and leaves the device its preferences', async () => {
    local.setItem('tunesmith.preferences', '{"theme":"dark"}')
    const { keys, storage: kept } = await tab({
      'tunesmith.key': 'sk-a',
      'tunesmith.playground': '{}',
      'tunesmith.playground.draft': 'a secret',
      'tunesmith.create': '{}',
      'somebody.else': 'x',
    })
    keys.signOut()
    expect(Object.keys(kept)).toEqual(['somebody.else'])
    expect(Object.keys(local)).toEqual(['tunesmith.preferences'])
  })
  it('takes nothing with it that came before the first sign-in', async () => {
    const { keys, storage: kept } = await tab({ 'tunesmith.playground.link': '#prompt=x' })
    keys.signIn('sk-a', false, 'proj_a')
    expect(kept.getItem('tunesmith.playground.link')).toBe('#prompt=x')
    keys.signIn('sk-b', false, 'proj_a')
    expect(kept.getItem('tunesmith.playground.link')).toBeNull()
  })
  it('leaves what was typed to the next key of its project, and to no other', async () => {
    for (const [project, text] of [
      ['proj_a', 'half a sentence'],
      ['proj_b', null],
      [null, null],
    ] as const) {
      const { keys, storage: kept } = await tab({
        'tunesmith.key': 'sk-a',
        'tunesmith.project': 'proj_a',
        'tunesmith.playground.draft': 'half a sentence',
      })
      keys.keyEnded()
      expect(keys.currentKey()).toBeNull()
      expect(kept.getItem('tunesmith.playground.draft')).toBeNull()
      keys.signIn('sk-new', false, project)
      expect(kept.getItem('tunesmith.playground.draft')).toBe(text)
      expect(kept.getItem('tunesmith.left')).toBeNull()
    }
  })
  it('is forgotten by those alone that have it', async () => {
    local.setItem('tunesmith.key', 'sk-remembered')
    const mine = await tab({ 'tunesmith.key': 'sk-mine' })
    const same = await tab({ 'tunesmith.key': 'sk-mine' })
    const other = await tab({ 'tunesmith.key': 'sk-other' })
    mine.keys.signOut()
    expect(mine.keys.currentKey()).toBeNull()
    expect(same.keys.currentKey()).toBeNull()
    expect(other.keys.currentKey()).toBe('sk-other')
    expect(local.getItem('tunesmith.key')).toBe('sk-remembered')
  })
  it('reaches the tabs that wait for one, and no other', async () => {
    const other = await tab({ 'tunesmith.key': 'sk-other' })
    const waiting = await tab()
    expect(waiting.keys.currentKey()).toBe('sk-other')
    channels = channels.slice(1)
    waiting.keys.signOut()
    const entering = await tab()
    entering.keys.signIn('sk-new', false, null)
    expect(waiting.keys.currentKey()).toBe('sk-new')
    expect(other.keys.currentKey()).toBe('sk-other')
  })
})

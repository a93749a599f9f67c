import { beforeEach, describe, expect, it, vi } from 'vitest'

const kept: Record<string, string> = {}
const storage = {
  getItem: (name: string) => kept[name] ?? null,
  setItem: (name: string, text: string) => {
    kept[name] = text
  },
  removeItem: (name: string) => {
    delete kept[name]
  },
}

/** As a table of keys shows it; as an input method of another script writes it. */
const STRANGE = ['sk-abc…wxyz', 'ｓｋ－ａｂｃ', 'sk-a\nsk-b']

describe('a key that no header can carry', () => {
  const asked = vi.fn(async () => new Response('{}'))
  beforeEach(() => {
    vi.resetModules()
    asked.mockClear()
    vi.stubGlobal('fetch', asked)
    vi.stubGlobal('BroadcastChannel', undefined)
    vi.stubGlobal('sessionStorage', storage)
    vi.stubGlobal('localStorage', storage)
    vi.stubGlobal('location', { origin: 'http://here' })
  })

  it('is refused like a wrong one, before anything is asked', async () => {
    const { canTravel, tryKey } = await import('@/api/client')
    for (const key of STRANGE) {
      expect(canTravel(key)).toBe(false)
      await expect(tryKey(key)).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
    }
    expect(asked).not.toHaveBeenCalled()
    await tryKey('sk-abc')
    expect(asked).toHaveBeenCalledOnce()
  })
  it('is given up where a tab has kept one', async () => {
    kept['tunesmith.key'] = 'sk-abc…wxyz'
    const { currentKey, start } = await import('@/api/key')
    const { withKey } = await import('@/api/client')
    await start()
    const refused = withKey(new Request('http://here/v1/models'))
    await expect(refused).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
    expect(currentKey()).toBeNull()
    expect(asked).not.toHaveBeenCalled()
  })
})

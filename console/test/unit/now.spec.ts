import { beforeEach, describe, expect, it, vi } from 'vitest'

const T = Date.UTC(2026, 4, 4, 12) // a whole second

/** The clock of a tab whose browser has heard nothing yet. */
async function fresh() {
  vi.resetModules()
  const { byServer, hearDate } = await import('@/lib/now')
  return {
    aheadS: () => byServer(0),
    /** An answer written at `writtenMs` of the server, by a browser whose clock is so far ahead. */
    hear: (writtenMs: number, browserAheadMs: number, thereMs = 20, backMs = 20) => {
      const at = writtenMs + browserAheadMs
      hearDate(new Date(writtenMs).toUTCString(), at - thereMs, at + backMs)
    },
    hearDate,
  }
}

describe("the server's clock", () => {
  let tab: Awaited<ReturnType<typeof fresh>>
  beforeEach(async () => {
    tab = await fresh()
  })

  it('is taken where it differs, and not for a second or two', () => {
    tab.hear(T + 400, 1_500)
    expect(tab.aheadS()).toBe(0)
    tab.hear(T + 400, 40_000)
    expect(tab.aheadS()).toBeCloseTo(-40, 0)
  })
  it('stands still whatever part of a second an answer falls into, and however long it took', () => {
    tab.hear(T + 400, 40_000)
    const first = tab.aheadS()
    for (let n = 0; n < 50; n++) tab.hear(T + 5_000 + n * 317, 40_000, (n % 7) * 900, (n % 5) * 1_300)
    expect(tab.aheadS()).toBe(first)
  })
  it('is known better after a slow first answer', () => {
    tab.hear(T, 40_000, 0, 30_000)
    tab.hear(T + 60_000, 40_000)
    expect(Math.abs(tab.aheadS() + 40)).toBeLessThan(2)
  })
  it('follows a browser whose clock is set right', () => {
    tab.hear(T, 40_000)
    tab.hear(T + 60_000, 0)
    expect(tab.aheadS()).toBe(0)
  })
  it('is not taken from what is no date', () => {
    tab.hearDate(null, T, T)
    tab.hearDate('soon', T, T)
    expect(tab.aheadS()).toBe(0)
  })
})

describe('an answer of the server', () => {
  it('tells its time, unless it has lain in a cache', async () => {
    vi.resetModules()
    vi.stubGlobal('BroadcastChannel', undefined)
    vi.stubGlobal('sessionStorage', { getItem: () => null })
    const { withKey } = await import('@/api/client')
    const { nowS } = await import('@/lib/now')
    const answer = async (headers: Record<string, string>) => {
      vi.stubGlobal('fetch', async () => new Response('{}', { headers }))
      await withKey(new Request('http://here/v1/models'))
      return nowS() - Date.now() / 1000
    }
    const date = new Date(Date.now() - 40_000).toUTCString()
    expect(Math.abs(await answer({ date, age: '40' }))).toBeLessThan(1)
    expect(Math.abs((await answer({ date })) + 40)).toBeLessThan(2)
  })
})

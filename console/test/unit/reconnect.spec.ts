import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { noAnswer } from '@/api/errors'
import { connectionOf } from '@/api/reconnect'

/** A page with two queries on a server that may be away: how often each was asked. */
function opened() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: 'always' } } })
  const page = { away: true, asked: { files: 0, models: 0 } }
  const stops = (['files', 'models'] as const).map((name) =>
    new QueryObserver(client, {
      queryKey: [name],
      queryFn: async () => {
        page.asked[name]++
        if (page.away) throw noAnswer(new TypeError('Failed to fetch'))
        return name
      },
    }).subscribe(() => undefined),
  )
  const connection = connectionOf(client)
  const told = vi.fn()
  stops.push(connection.subscribe(told))
  return { client, page, connection, told, close: () => stops.map((stop) => stop()) }
}

describe('a page whose queries nobody repeats', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('comes back by itself when the server does, and asks ever more seldom until then', async () => {
    const { page, connection, close } = opened()
    await vi.advanceTimersByTimeAsync(100)
    expect(connection.since()).toBe(0)
    expect(page.asked).toEqual({ files: 1, models: 1 })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(page.asked).toEqual({ files: 2, models: 2 })
    await vi.advanceTimersByTimeAsync(120_000) // after 4, 8, 16, 30, 30 and 30 s more
    expect(page.asked.files).toBe(8)
    page.away = false
    await vi.advanceTimersByTimeAsync(30_000)
    expect(connection.since()).toBeNull()
    expect(page.asked).toEqual({ files: 9, models: 9 })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(page.asked).toEqual({ files: 9, models: 9 })
    close()
  })
  it('stays lost while it is asked for again', async () => {
    const { client, connection, close } = opened()
    await vi.advanceTimersByTimeAsync(100)
    client.refetchQueries({ queryKey: ['files'] })
    client.refetchQueries({ queryKey: ['models'] })
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.since()).toBe(0)
    close()
  })
  it('asks for what was lost alone, and says how old the rest of it is', async () => {
    const { client, page, connection, close } = opened()
    page.away = false
    await vi.advanceTimersByTimeAsync(60_000)
    await client.refetchQueries({ queryKey: ['files'] })
    const readMs = Date.now()
    page.away = true
    await vi.advanceTimersByTimeAsync(5_000)
    await client.refetchQueries({ queryKey: ['files'] })
    await vi.advanceTimersByTimeAsync(100)
    expect(connection.since()).toBe(readMs)
    const before = { ...page.asked }
    await vi.advanceTimersByTimeAsync(2_000)
    expect(page.asked).toEqual({ files: before.files + 1, models: before.models })
    close()
  })
  it('is brought back by a watcher that comes late', async () => {
    const { client, page, close } = opened()
    await vi.advanceTimersByTimeAsync(100)
    const late = connectionOf(client)
    const stop = late.subscribe(() => undefined)
    expect(late.since()).toBe(0)
    page.away = false
    await vi.advanceTimersByTimeAsync(2_000)
    expect(late.since()).toBeNull()
    stop()
    close()
  })
  it('asks no more when it is left', async () => {
    const { page, close } = opened()
    await vi.advanceTimersByTimeAsync(100)
    close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(page.asked.files).toBe(1)
  })
})

import { afterEach, describe, expect, it, vi } from 'vitest'
import { filesPageQuery } from '@/api/files'

afterEach(() => vi.unstubAllGlobals())

describe('the list of files', () => {
  it('is asked again while the server looks into one of them, and not after that', () => {
    vi.stubGlobal('document', { visibilityState: 'visible' })
    const interval = filesPageQuery({}).refetchInterval as (query: unknown) => number | false
    const asked = (...statuses: string[]) =>
      interval({
        state: { data: { data: statuses.map((status) => ({ report: { status } })) }, fetchFailureCount: 0 },
      })
    expect(asked('completed', 'in_progress')).toBeGreaterThan(0)
    expect(asked('completed', 'unknown')).toBe(false)
  })
})

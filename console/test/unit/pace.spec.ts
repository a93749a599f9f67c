import { describe, expect, it } from 'vitest'
import { endsBetween, silence } from '@/lib/pace'
import type { Entry, Stage } from '@/lib/timeline'

const run = (times: number[], totalSteps = 1000) => ({
  steps: times.map((_, index) => index + 1),
  times,
  totalSteps,
})
const entry = (stage: Stage, atS: number, step: number | null = null): Entry => ({
  stage,
  atS,
  step,
  ahead: null,
  message: '',
})
const started = [entry('running', 0)]

describe('a run that has fallen silent', () => {
  it('is told by five times its usual pace, and never within half a minute', () => {
    expect(silence(run([0, 10, 20]), started, 60)).toBeNull()
    expect(silence(run([0, 10, 20]), started, 80)).toEqual({ sinceS: 60, usualS: 10 })
    expect(silence(run([0, 1, 2]), started, 31)).toBeNull()
    expect(silence(run([5]), started, 500)).toBeNull()
  })
  it('is not said of one that was paused for hours and has just gone on', () => {
    const paused = [...started, entry('paused', 25, 3), entry('queued', 10_000)]
    expect(silence(run([0, 10, 20]), paused, 10_005)).toBeNull() // taken, and not begun yet
    const resumed = [...paused, entry('resumed', 10_006, 3)]
    expect(silence(run([0, 10, 20]), resumed, 10_010)).toBeNull()
    expect(silence(run([0, 10, 20]), resumed, 10_100)).toEqual({ sinceS: 94, usualS: 10 })
  })
  it('counts what goes before the first new step: the model loads, and steps are trained again in silence', () => {
    const slow = [entry('running', -100), entry('interrupted', 25, 1), entry('resumed', 30, 1)]
    // 100 s until the first step the first time, two steps again, and five times the usual
    expect(silence(run([0, 10, 20]), slow, 30 + 100 + 20 + 50)).toBeNull()
    expect(silence(run([0, 10, 20]), slow, 30 + 100 + 20 + 51)).toEqual({ sinceS: 171, usualS: 10 })
  })
  it('takes no pause for its usual pace', () => {
    const resumed = [...started, entry('paused', 25, 3), entry('resumed', 10_000, 3)]
    const times = [0, 10, 20, 10_010, 10_020]
    expect(silence(run(times), resumed, 10_090)).toEqual({ sinceS: 70, usualS: 10 })
  })
  it('is not said of one whose steps are all done', () => {
    expect(silence(run([0, 10, 20], 3), started, 500)).toBeNull()
  })
})

describe('the time at which a run ends', () => {
  const even = Array.from({ length: 51 }, (_, step) => step * 2)
  it('lies between what its fastest and its slowest stretch say', () => {
    const slower = even.map((time, index) => (index > 40 ? time + (index - 40) : time))
    expect(endsBetween(run(even, 151), started)).toEqual({ fromS: 300, toS: 300 })
    expect(endsBetween(run(slower, 151), started)).toEqual({ fromS: 310, toS: 410 })
  })
  it('is not guessed from little, nor from before a pause, nor at the end', () => {
    expect(endsBetween(run(even.slice(0, 20)), started)).toBeNull()
    expect(endsBetween(run(even), [...started, entry('resumed', 60)])).toBeNull()
    expect(endsBetween(run(even), [...started, entry('paused', 200)])).toBeNull()
    expect(endsBetween(run(even, 51), started)).toBeNull()
  })
})

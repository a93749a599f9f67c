import { beforeEach, describe, expect, it } from 'vitest'
import {
  ago,
  bytes,
  clockOf,
  clockRange,
  duration,
  listed,
  measure,
  pace,
  percent,
  speak,
  tick,
  wait,
} from '@/lib/number'

describe('numbers for people', () => {
  beforeEach(() => speak('en'))
  it('have the digits that matter', () => {
    expect([measure(2.34567), measure(0.000012345), measure(null), tick(6), tick(0.25)]).toEqual([
      '2.346',
      '1.23e-5',
      '–',
      '6',
      '0.25',
    ])
    expect(percent(0.9731, 1)).toBe('97.3%')
    expect([bytes(512), bytes(4_700)]).toEqual(['512 bytes', '4.7 kB'])
  })
  it('have the two largest units of a duration', () => {
    expect([duration(0), duration(59), duration(3840), duration(90_061)]).toEqual([
      '< 1 sec',
      '59 sec',
      '1 hr 4 min',
      '1 day 1 hr',
    ])
  })
  it('keep the part of a second where it matters', () => {
    expect([pace(1.234), pace(0.02), pace(95.6)]).toEqual(['1.2 sec', '< 1 sec', '96 sec'])
  })
  it('say how long something was waited for', () => {
    expect([wait(0.2), wait(420), wait(999.7), wait(1234), wait(64_000)]).toEqual([
      '0 ms',
      '420 ms',
      '1 sec',
      '1.2 sec',
      '1 min 4 sec',
    ])
  })
  it('name a stretch of time once where it is within one minute', () => {
    expect(clockRange(0, 59, 0)).toMatch(/^\d+:\d\d\s[AP]M$/)
    expect(clockRange(0, 600, 0)).toMatch(/^\d+:\d\d\s–\s\d+:\d\d\s[AP]M$/)
  })
  it('count days by their hours: of tomorrow and yesterday only a calendar knows', () => {
    const hours = (n: number) => n * 3600
    expect([ago(hours(47), 0), ago(hours(25), 0), ago(hours(1.9), 0)]).toEqual([
      'in 2 days',
      'in 1 day',
      'in 2 hours',
    ])
    expect([ago(0, hours(47)), ago(0, hours(1.9)), ago(0, 0.4), ago(0, hours(24 * 364))]).toEqual([
      '1 day ago',
      '1 hour ago',
      'now',
      '12 months ago',
    ])
  })
  it('name the day of a time that is not of today', () => {
    const at = (day: number, hour: number) => new Date(2026, 4, day, hour).getTime() / 1000
    expect(clockOf(at(4, 23), at(4, 9))).toMatch(/^11:00:00\sPM$/)
    expect(clockOf(at(6, 22), at(4, 23))).toMatch(/^Wed, May 6, 10:00\sPM$/)
    expect(clockRange(at(6, 21), at(6, 22), at(4, 23))).toMatch(/^Wed, May 6, 9:00\s–\s10:00\sPM$/)
    expect(clockRange(at(4, 23), at(5, 1), at(4, 22))).toMatch(/^Mon, May 4, .+\s–\sTue, May 5, /)
  })
  it('speak the language of the page', () => {
    expect(ago(0, 180)).toBe('3 minutes ago')
    expect(listed(['1', '2', '3'])).toBe('1, 2, and 3')
    speak('zh-CN')
    expect(ago(0, 180)).toBe('3分钟前')
    expect(listed(['1', '2', '3'])).toBe('1、2和3')
    expect(pace(1.234)).toBe('1.2秒')
    expect([wait(420), wait(1234)]).toEqual(['420毫秒', '1.2秒'])
  })
})

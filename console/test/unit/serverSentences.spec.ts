/** The stages of a job, read off what the server of these sources writes: `tests/console/test_agreement.py` tells it. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { timeline } from '@/lib/timeline'

type Told = { stage: string; message: string; level: string; data: Record<string, unknown> }
const FROM = process.env.SERVERS_EVENTS

describe.runIf(FROM)('the sentences of the server', () => {
  const told: Told[] = FROM ? JSON.parse(readFileSync(FROM, 'utf8')) : []
  it('are there', () => expect(told.length).toBeGreaterThan(0))
  for (const { stage, message, data, level } of told)
    it(`“${message}” is ${stage}`, () => {
      const event = { created_at: 1, type: 'message', message, data, level }
      expect(timeline([event]).map((entry) => entry.stage)).toEqual([stage])
    })
})

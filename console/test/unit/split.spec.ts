import { describe, expect, it } from 'vitest'
import { partName, split } from '@/lib/split'

const rows = (count: number) => Array.from({ length: count }, (_, index) => `{"row": ${index}}`)

describe('a file split in two', () => {
  it('loses no row and doubles none, keeps the order, and is split the same way each time', () => {
    for (const count of [2, 10, 99, 1000]) {
      const text = `${rows(count).join('\r\n')}\r\n\r\n`
      const parts = split(text, 0.1)
      const [train, valid] = [parts?.train.trim().split('\n') ?? [], parts?.valid.trim().split('\n') ?? []]
      expect(valid).toHaveLength(Math.max(1, Math.round(count / 10)))
      expect([...train, ...valid].sort()).toEqual(rows(count).sort())
      expect(train).toEqual(rows(count).filter((row) => train.includes(row)))
      expect(split(text, 0.1)).toEqual(parts)
      expect([parts?.nTrain, parts?.nValid]).toEqual([train.length, valid.length])
    }
  })
  it('takes rows from all over the file', () => {
    const held = split(rows(1000).join('\n'), 0.1)?.valid.match(/\d+/g)?.map(Number) ?? []
    expect(Math.min(...held)).toBeLessThan(50)
    expect(Math.max(...held)).toBeGreaterThan(950)
  })
  it('is refused where a part would be empty', () => {
    expect(split('{"row": 1}\n', 0.1)).toBeNull()
    expect(split('', 0.1)).toBeNull()
  })
  it('names its parts after the whole', () => {
    expect([partName('a.b.jsonl', 'train'), partName('rows', 'valid')]).toEqual([
      'a.b-train.jsonl',
      'rows-valid.jsonl',
    ])
  })
})

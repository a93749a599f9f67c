import { describe, expect, it } from 'vitest'
import { en } from '@/i18n/en'
import { zhCN } from '@/i18n/zh-CN'

type Tree = { [name: string]: unknown }
const texts = (tree: Tree, path = ''): [string, string][] =>
  Object.entries(tree).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string'
      ? [[`${path}${name}`, value]]
      : value && typeof value === 'object'
        ? texts(value as Tree, `${path}${name}.`)
        : [],
  )

describe('the messages', () => {
  it('are there in both languages, and empty in both or in neither', () => {
    const english = Object.fromEntries(texts(en))
    const chinese = Object.fromEntries(texts(zhCN))
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort())
    for (const [name, text] of Object.entries(english))
      expect([name, !chinese[name]?.trim()]).toEqual([name, !text.trim()])
  })
})

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

type Say = (p: object) => unknown
const functions = (tree: Tree, path = ''): [string, Say][] =>
  Object.entries(tree).flatMap(([name, value]): [string, Say][] =>
    typeof value === 'function'
      ? [[`${path}${name}`, value as Say]]
      : value && typeof value === 'object'
        ? functions(value as Tree, `${path}${name}.`)
        : [],
  )
/** Whatever is asked of it is 1. */
const ONES = new Proxy({}, { get: () => 1 })
/** A job has ten rows at least, so what is told of its rows is of many; and words that end like a plural. */
const OF_MANY = /^reasons\.values\./
const PLURAL = /\b1 (?!(?:as|counts|has|is|needs|stays|waits|was)\b)\w+s\b/

describe('the messages', () => {
  it('know in English that one is not several', () => {
    const said = functions(en)
      .filter(([name]) => !OF_MANY.test(name))
      .map(([name, say]) => [name, say(ONES)])
    expect(said.filter(([, text]) => PLURAL.test(`${text}`))).toEqual([])
  })
  it('are there in both languages, and empty in both or in neither', () => {
    const english = Object.fromEntries(texts(en))
    const chinese = Object.fromEntries(texts(zhCN))
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort())
    for (const [name, text] of Object.entries(english))
      expect([name, !chinese[name]?.trim()]).toEqual([name, !text.trim()])
  })
})

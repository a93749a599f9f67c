/** Where a text stops being JSON: browsers tell it each in its own words, or not at all. Knows no React. */

export type JsonFault = {
  /** Index of the first character that cannot stand there; the text's length where it ends too early. */
  at: number
  /** From 1. */
  line: number
  column: number
  atEnd: boolean
}

const SPACE = /[ \t\n\r]*/y
/** Without its closing quote. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them, so they are looked for
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'more'

/** Null exactly where `JSON.parse` succeeds. */
export function jsonFault(text: string): JsonFault | null {
  const open: ('{' | '[')[] = []
  let wanted = 'value' as Wanted
  let at = 0
  const pass = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at += found[0].length
    return Boolean(found?.[0])
  }
  while (true) {
    pass(SPACE)
    const next = text[at]
    if (wanted === 'more' && !open.length) return at < text.length ? faultAt(text, at) : null
    const within = open.at(-1)
    if (wanted === 'more' && next === ',') {
      at++
      wanted = within === '{' ? 'key' : 'value'
    } else if (next === '}' && within === '{' && (wanted === 'more' || wanted === 'key or }')) {
      at++
      open.pop()
      wanted = 'more'
    } else if (next === ']' && within === '[' && (wanted === 'more' || wanted === 'value or ]')) {
      at++
      open.pop()
      wanted = 'more'
    } else if (wanted === ':' && next === ':') {
      at++
      wanted = 'value'
    } else if (next === '"' && wanted !== 'more' && wanted !== ':') {
      pass(STRING)
      if (text[at] !== '"') return faultAt(text, at)
      at++
      wanted = wanted === 'key' || wanted === 'key or }' ? ':' : 'more'
    } else if (wanted !== 'value' && wanted !== 'value or ]') {
      return faultAt(text, at)
    } else if (next === '{' || next === '[') {
      at++
      open.push(next)
      wanted = next === '{' ? 'key or }' : 'value or ]'
    } else if (pass(SCALAR)) {
      wanted = 'more'
    } else {
      return faultAt(text, at)
    }
  }
}

function faultAt(text: string, at: number): JsonFault {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return { at, line, column: at - before.lastIndexOf('\n'), atEnd: at >= text.length }
}

import { describe, expect, it } from 'vitest'
import { harmless, visible } from '@/lib/visible'

describe('text that could mislead', () => {
  it('names direction marks and control characters, and leaves the rest alone', () => {
    expect(harmless('safe\u202Etxt.exe\u0000')).toBe('safe⟨U+202E⟩txt.exe␀')
    expect(harmless('\u061Cabc')).toBe('⟨U+061C⟩abc')
    expect(harmless('a\tb\nc 你好 🙂')).toBe('a\tb\nc 你好 🙂')
    expect(harmless('👩\u200D💻')).toBe('👩\u200D💻') // a joiner is part of many characters
  })
  it('shows white space where text is looked at character by character', () => {
    expect(visible('a\tb\n')).toBe('a⇥b↵\n')
  })
})

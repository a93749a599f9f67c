/** Text with what cannot be seen made visible: control and direction characters, as the names they have. */

const NAMES: Record<number, string> = { 9: '⇥', 10: '↵', 13: '␍', 32: ' ', 127: '␡', 160: '⍽' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g

const name = (character: string): string => {
  const code = character.charCodeAt(0)
  if (NAMES[code]) return NAMES[code]
  return code < 32
    ? String.fromCharCode(0x2400 + code)
    : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}

/** For text that is looked at character by character; a line break keeps breaking the line. */
export const visible = (text: string): string =>
  text.replace(UNSEEN, (character) => (character === '\n' ? '↵\n' : name(character)))

/** For text that is read: only what could mislead the eye is named. */
export const harmless = (text: string): string =>
  text.replace(UNSEEN, (character) => (/[\t\n\r\u200D]/.test(character) ? character : name(character)))

/** The colours can be told from what they stand on, in light and in dark: WCAG's 4.5 for text, 3 for lines and icons. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const css = readFileSync(new URL('../../app/styles/tokens.css', import.meta.url), 'utf8')
const COLOURS = new Map(
  [...css.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(
    ([, name, light, dark]) => [name as string, { light: light as string, dark: dark as string }],
  ),
)

const SURFACES = /^(page|panel|raised|sunken|hover|.+-soft)$/
const TEXT = /^(text.*|accent|accent-strong|good|warn|bad)$/
const DRAWN = /^(line-strong|series-\d)$/
const ON_ACCENT = 'on-accent'
/** Sets apart what is told apart by its place already, so that it may be faint. */
const DECORATION = 'line'
const named = (pattern: RegExp) => [...COLOURS.keys()].filter((name) => pattern.test(name))

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** The pairs that are nearer to each other than they may be. */
function tooNear(inks: string[], surfaces: string[], least: number): string[] {
  const found: string[] = []
  for (const ink of inks)
    for (const surface of surfaces)
      for (const theme of ['light', 'dark'] as const) {
        const ratio = contrast(COLOURS.get(ink)?.[theme] ?? '', COLOURS.get(surface)?.[theme] ?? '')
        if (!(ratio >= least)) found.push(`${ink} on ${surface}, ${theme}: ${ratio.toFixed(2)}`)
      }
  return found
}

describe('the colours of tokens.css', () => {
  it('are all either written in, drawn with, or stood upon', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
    const declared = [...css.matchAll(/--([\w-]+):\s*light-dark\(/g)].map(([, name]) => name)
    const known = [...named(SURFACES), ...named(TEXT), ...named(DRAWN), ON_ACCENT, DECORATION]
    expect(known.sort()).toEqual(declared.sort())
  })
  it('can be read: text is 4.5 to 1 on every surface', () => {
    expect(tooNear(named(TEXT), named(SURFACES), 4.5)).toEqual([])
    expect(tooNear([ON_ACCENT], ['accent', 'accent-strong'], 4.5)).toEqual([])
  })
  it('can be seen: lines, edges and icons are 3 to 1', () => {
    expect(tooNear(named(DRAWN), named(SURFACES), 3)).toEqual([])
  })
})

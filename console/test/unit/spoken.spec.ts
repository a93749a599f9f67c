import { createElement, type ReactElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { Legend } from '@/parts/chart/Legend'
import { Heard, tenth } from '@/parts/Heard'

const html = (element: ReactElement) => renderToStaticMarkup(element)

describe('what is spoken by itself', () => {
  it('is the way of an upload at each tenth, while each percent is seen', () => {
    expect([0, 0.09, 0.1, 0.999, 1, 1.2].map(tenth)).toEqual([0, 0, 1, 9, 10, 10])
    const said = html(createElement(Heard, { words: '41 %', share: 0.41 }))
    expect(said).toContain('<span aria-hidden="true">41 %</span>')
    expect(said).toMatch(/<span [^>]*role="status"[^>]*>41 %<\/span>/)
  })
  it('is not what each line of a chart shows under the cursor, which one sentence tells', () => {
    const line = { id: 'a', label: 'Loss', colour: 1, x: [], y: [] } as never
    const legend = html(
      createElement(Legend, {
        lines: [line],
        said: new Map([['a', '1.5']]),
        hidden: new Set<string>(),
        onToggle: () => undefined,
      }),
    )
    expect(legend).toContain('1.5')
    expect(legend).not.toMatch(/<output|role="status"|aria-live/)
  })
})

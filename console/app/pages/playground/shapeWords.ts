/** What is wrong with tools or a schema, and where, as a sentence. */
import type { Messages } from '@/i18n'
import type { ShapeFault } from '@/lib/chatShape'
import { count } from '@/lib/number'

export function faultWords(fault: ShapeFault, t: Messages): string {
  const words = t.asking.shape
  if ('json' in fault) {
    const { line, column, atEnd } = fault.json
    return atEnd ? words.unfinished : words.notJson({ line: count(line), column: count(column) })
  }
  return [fault.place, words.faults[fault.code]].filter(Boolean).join(': ')
}

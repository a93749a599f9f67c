/** A prompt that does not fit: by how much, and where most of it is. */
import { useT } from '@/i18n'
import { count, percent } from '@/lib/number'
import type { Fault } from './conversation'
import styles from './Transcript.module.css'

/** The server's refusal holds both counts; a text that is far too long is not counted to its end. */
const COUNTS = /context length is (\d+) tokens.* resulted in (at least )?(\d+) tokens/s

export function TooLong({ fault }: { fault: Fault }) {
  const t = useT()
  const words = t.asking.tooLong
  const found = COUNTS.exec(fault.message)
  if (fault.code !== 'context_length_exceeded' || !found) return null
  const most = Number(found[1])
  const tokens = Number(found[3])
  // an answer needs room for one token at least
  const said = { over: count(tokens - most + 1), tokens: count(tokens), most: count(most) }
  const { heaviest } = fault
  const share = heaviest ? percent(heaviest.share) : ''
  return (
    <p className={styles.tooLong}>
      {found[2] ? words.byAtLeast(said) : words.by(said)}{' '}
      {heaviest &&
        (heaviest.role === 'system'
          ? words.system({ share })
          : heaviest.role === 'tools'
            ? words.tools({ share })
            : words.turn({ turn: count(heaviest.turn), role: t.playground[heaviest.role], share }))}
    </p>
  )
}

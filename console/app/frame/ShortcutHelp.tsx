/** What the keys do. */
import { type Messages, useT } from '@/i18n'
import { Dialog } from '@/ui/Dialog'
import { PLACES } from './places'
import { usePreferences } from './preferences'
import styles from './ShortcutHelp.module.css'

type Row = [keys: string[], what: string]

function groups(t: Messages): [string, Row[]][] {
  const s = t.shortcuts
  return [
    [
      s.anywhere,
      [
        ...PLACES.map((place): Row => [['g', place.letter], s.goTo({ place: t.places[place.name] })]),
        [['c'], s.create],
        [['/'], s.search],
        [['?'], s.help],
        [['Esc'], s.escape],
      ],
    ],
    [
      s.lists,
      [
        [['↑', '↓'], s.rows],
        [['Enter'], s.open],
        [['Space'], s.tick],
      ],
    ],
    [
      s.chart,
      [
        [['←', '→'], s.point],
        [['Home', 'End'], s.ends],
        [['+', '-', '0'], s.zoom],
        [['l'], s.log],
        [['t'], s.table],
      ],
    ],
    [
      t.playground.keys.title,
      [
        [['Enter'], t.playground.keys.send],
        [['Esc'], t.playground.keys.stop],
        [['1', '2', '3'], t.playground.keys.column],
        [['←', '→'], t.playground.keys.token],
      ],
    ],
    [
      t.drafts.keys.title,
      [
        [['s'], t.drafts.keys.save],
        [['b'], t.drafts.keys.better],
        [['Ctrl', 'Z'], t.drafts.keys.undo],
      ],
    ],
    [
      t.datasets.keys.title,
      [
        [['n', 'p'], t.datasets.keys.problem],
        [['[', ']'], t.datasets.keys.row],
      ],
    ],
    [s.create_, [[['Ctrl', 'Enter'], s.send]]],
  ]
}

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const t = useT()
  const { shortcuts } = usePreferences()
  return (
    <Dialog title={t.shortcuts.title} onClose={onClose}>
      {!shortcuts && <p className={styles.off}>{t.shortcuts.off}</p>}
      {groups(t).map(([name, rows]) => (
        <section key={name} className={styles.group}>
          <h3>{name}</h3>
          <dl className={styles.rows}>
            {rows.map(([keys, what]) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  )
}

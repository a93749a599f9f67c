/** How the models should behave: one system prompt for all of them, or one for each. */
import { memo } from 'react'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { Field, Segments } from '@/ui/Field'
import { setSystem, shareSystem } from './changes'
import styles from './Playground.module.css'
import { letterOf } from './saving'

type Props = {
  /** As the columns have it; one alone while they share. */
  texts: string[]
  shared: boolean
  columns: number
  /** The system prompt that a column's model was trained with. */
  trained: { text: string; column: number } | null
}

export const SystemPrompt = memo(function SystemPrompt({ texts, shared, columns, trained }: Props) {
  const t = useT()
  const words = t.playground
  return (
    <div className={styles.system}>
      {columns > 1 && (
        <Segments
          legend={words.each.system}
          hidden
          value={shared ? 'shared' : 'each'}
          options={[
            { value: 'shared', label: words.each.systemShared },
            { value: 'each', label: words.each.systemOwn },
          ]}
          onChange={(value) => shareSystem(value === 'shared', columns)}
        />
      )}
      <div className={styles.systems} data-columns={texts.length}>
        {texts.map((text, column) => (
          <div key={column} className={styles.systemOf}>
            <Field label={shared ? words.system : words.each.systemOf({ letter: letterOf(column) })}>
              {(tied) => (
                <textarea
                  {...tied}
                  rows={1}
                  className={styles.systemField}
                  placeholder={words.systemEmpty}
                  value={text}
                  onChange={(event) => setSystem(event.target.value, column)}
                />
              )}
            </Field>
            {trained && trained.text !== text && (shared || trained.column === column) && (
              <Button small onClick={() => setSystem(trained.text, column)}>
                {words.trainedSystem}
              </Button>
            )}
          </div>
        ))}
      </div>
    </div>
  )
})

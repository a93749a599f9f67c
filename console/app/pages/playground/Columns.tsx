/** The models that are asked, one beside the other, and how they take turns. */
import { useQuery } from '@tanstack/react-query'
import { memo } from 'react'
import { isTuned, modelsQuery } from '@/api/models'
import { useT } from '@/i18n'
import { MOST_COLUMNS } from '@/lib/chatParameters'
import { ChatModelPicker } from '@/parts/ChatModelPicker'
import { Button } from '@/ui/Button'
import { Check, Segments } from '@/ui/Field'
import { removeColumn } from './changes'
import styles from './Playground.module.css'
import type { Setup } from './useSetup'

export const Columns = memo(function Columns({
  models,
  apart,
  differing,
  setModels,
  dropModel,
  setApart,
  setDiffering,
}: Setup) {
  const t = useT()
  const { data } = useQuery(modelsQuery())
  const listed = data?.data ?? []
  const baseOf = (name: string | undefined) => {
    const known = listed.find((model) => model.id === name)
    return known && isTuned(known) ? known.served_by : undefined
  }
  const base = models.map(baseOf).find((one) => one !== undefined && !models.includes(one))
  const full = models.length >= MOST_COLUMNS
  const other = listed.find((model) => !models.includes(model.id))?.id ?? models[0]
  return (
    <div className={styles.columns}>
      <div className={styles.pickers} data-columns={models.length}>
        {models.map((model, column) => (
          <div key={column} className={styles.picker}>
            <ChatModelPicker
              label={models.length > 1 ? t.playground.model({ number: column + 1 }) : t.playground.onlyModel}
              value={model}
              onChange={(chosen) => setModels(models.map((one, at) => (at === column ? chosen : one)))}
            />
            {models.length > 1 && (
              <Button
                kind="quiet"
                icon="close"
                className={styles.drop}
                aria-label={t.playground.removeColumn({ model })}
                onClick={() => {
                  removeColumn(column)
                  dropModel(column)
                }}
              />
            )}
          </div>
        ))}
      </div>
      <div className={styles.more}>
        {base && !full && (
          <Button small icon="plus" onClick={() => setModels([...models, base])}>
            {t.playground.addBase}
          </Button>
        )}
        <Button
          small
          icon="plus"
          disabledReason={full ? t.playground.most : undefined}
          onClick={() => other && setModels([...models, other])}
        >
          {t.playground.add}
        </Button>
        {models.length > 1 && (
          <div className={styles.how}>
            <Check
              label={t.asking.differences.label}
              checked={differing}
              onChange={(event) => setDiffering(event.target.checked)}
            />
            <Segments
              legend={t.playground.turns.title}
              hidden
              value={apart ? 'apart' : 'together'}
              options={[
                { value: 'together', label: t.playground.turns.together },
                { value: 'apart', label: t.playground.turns.apart },
              ]}
              onChange={(value) => setApart(value === 'apart')}
            />
          </div>
        )}
      </div>
      {models.length > 1 && (
        <p className={styles.note}>
          {apart ? t.playground.turns.apartHint : t.playground.turns.togetherHint}
        </p>
      )}
    </div>
  )
})

/** The parameters of all columns, or of one after the other where each has its own. */
import { useState } from 'react'
import { useT } from '@/i18n'
import { NO_PARAMETERS } from '@/lib/chatParameters'
import { Segments } from '@/ui/Field'
import { Parameters } from './Parameters'
import styles from './Parameters.module.css'
import { letterOf } from './saving'
import type { Setup } from './useSetup'

type Props = Pick<Setup, 'models' | 'parameters' | 'each' | 'setParameters' | 'setEach'>

export function ColumnParameters({ models, parameters, each, setParameters, setEach }: Props) {
  const words = useT().playground.each
  const [chosen, setChosen] = useState(0)
  const column = each ? Math.min(chosen, models.length - 1) : 0
  return (
    <>
      {models.length > 1 && (
        <div className={styles.whose}>
          <Segments
            legend={words.parameters}
            hidden
            value={each ? 'each' : 'shared'}
            options={[
              { value: 'shared', label: words.shared },
              { value: 'each', label: words.own },
            ]}
            onChange={(value) => setEach(value === 'each')}
          />
          {each && (
            <Segments
              legend={words.parametersOf}
              value={`${column}`}
              options={models.map((_, at) => ({ value: `${at}`, label: letterOf(at) }))}
              onChange={(value) => setChosen(Number(value))}
            />
          )}
        </div>
      )}
      <Parameters
        key={column}
        column={column}
        parameters={parameters[column] ?? NO_PARAMETERS}
        onChange={setParameters}
      />
    </>
  )
}

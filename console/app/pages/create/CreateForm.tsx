/** The fields of the create dialog, in the order people know, and beside them what is about to be asked for. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { currentOrganization } from '@/api/client'
import { baseOf, modelsQuery } from '@/api/models'
import { useT } from '@/i18n'
import type { Call } from '@/lib/code'
import type { Look } from '@/lib/jsonl'
import { AutoValue } from '@/parts/AutoValue'
import { FilePicker } from '@/parts/FilePicker'
import { ModelPicker } from '@/parts/ModelPicker'
import { Problem } from '@/parts/Problem'
import { CodeView } from '@/parts/ViewCode'
import { Button } from '@/ui/Button'
import { Field, Input, Segments } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './Create.module.css'
import { ForecastView } from './ForecastView'
import {
  changes,
  type Faults,
  type FieldName,
  type Form,
  type Method,
  rangeOf,
  requestOf,
  settingsFor,
} from './form'
import { HoldOut } from './HoldOut'
import { type Forecast, told } from './useForecast'

/** What may be on its way to the server. */
export type Sender = 'training' | 'validation' | 'holdOut'
type Props = {
  form: Form
  /** What it was duplicated from. */
  original: Form | null
  forecast: Forecast
  faults: Faults
  refusal: unknown
  onChange: (form: Form) => void
  onBusy: (sender: Sender, busy: boolean) => void
}

export function CreateForm({ form, original, forecast, faults, refusal, onChange, onBusy }: Props) {
  const t = useT()
  const [seen, setSeen] = useState<{ fileId: string; look: Look } | null>(null)
  const set = (changed: Partial<Form>) => onChange({ ...form, ...changed })
  const { refused, notes } = told(forecast, t)
  const wrong = { ...refused, ...faults }
  const changed = original ? changes(form, original) : []
  const mark = (name: FieldName | 'method') => (changed.includes(name) ? t.create.changed : undefined)
  const method = seen?.fileId === form.training ? seen.look.method : null
  const otherMethod = method !== form.method ? method : null
  return (
    <div className={styles.columns}>
      <div className={styles.fields}>
        {refusal !== null && <Problem error={refusal} />}
        <div>
          <Segments<Method>
            legend={t.create.method}
            mark={mark('method')}
            value={form.method}
            options={[
              { value: 'supervised', label: t.create.methods.supervised },
              { value: 'dpo', label: t.create.methods.dpo },
            ]}
            onChange={(method) => set({ method })}
          />
          <p className={styles.hint}>{t.create.methodHints[form.method]}</p>
        </div>
        <ModelPicker
          value={form.model}
          onChange={(model) => set({ model })}
          error={wrong.model}
          mark={mark('model')}
        />
        <FilePicker
          label={t.create.training}
          wire="training_file"
          value={form.training}
          onChange={(training, look) => {
            set({ training })
            if (look) setSeen({ fileId: training, look })
          }}
          error={wrong.training}
          mark={mark('training')}
          onBusy={(busy) => onBusy('training', busy)}
        />
        <Notes of={notes.training} />
        {otherMethod && (
          <p className={styles.notice}>
            <Icon name="info" size={14} />
            {otherMethod === 'dpo' ? t.create.looksLikeDpo : t.create.looksLikeChat}
            <Button small onClick={() => set({ method: otherMethod })}>
              {otherMethod === 'dpo' ? t.create.switchToDpo : t.create.switchToSupervised}
            </Button>
          </p>
        )}
        <FilePicker
          label={t.create.validation}
          wire="validation_file"
          hint={t.create.validationHint}
          none={t.shared.none}
          value={form.validation}
          onChange={(validation) => set({ validation })}
          error={wrong.validation}
          mark={mark('validation')}
          onBusy={(busy) => onBusy('validation', busy)}
        />
        <HoldOut form={form} onChange={set} onBusy={(busy) => onBusy('holdOut', busy)} />
        <Notes of={notes.validation} />
        <div className={styles.pair}>
          <Field
            label={t.create.suffix}
            wire="suffix"
            hint={t.create.suffixHint}
            error={wrong.suffix}
            mark={mark('suffix')}
          >
            {(tied) => (
              <Input
                {...tied}
                data-field="suffix"
                value={form.suffix}
                maxLength={80}
                spellCheck={false}
                onChange={(event) => set({ suffix: event.target.value })}
              />
            )}
          </Field>
          <Field
            label={t.create.seed}
            wire="seed"
            hint={t.create.seedHint}
            error={wrong.seed}
            mark={mark('seed')}
          >
            {(tied) => (
              <Input
                {...tied}
                data-field="seed"
                inputMode="numeric"
                value={form.seed}
                onChange={(event) => set({ seed: event.target.value })}
              />
            )}
          </Field>
        </div>
        <section className={styles.settings}>
          <h3>{t.create.hyperparameters}</h3>
          <p className={styles.hint}>{t.create.autoHint}</p>
          <div className={styles.pair}>
            {settingsFor(form.method).map((name) => (
              <AutoValue
                key={name}
                label={t.create.names[name]}
                wire={name}
                hint={`${t.create.hints[name]} ${rangeOf(name, t)}`}
                value={form.values[name]}
                error={wrong[name]}
                becomes={forecast.lacks ? undefined : forecast.estimate?.hyperparameters?.[name]}
                mark={mark(name)}
                onChange={(value) => set({ values: { ...form.values, [name]: value } })}
              />
            ))}
          </div>
        </section>
      </div>
      <Beside form={form} forecast={forecast} />
    </div>
  )
}

/** What is worth a second look about a field, beneath it. */
function Notes({ of }: { of: string[] | undefined }) {
  return of?.map((note) => (
    <p key={note} className={styles.warning}>
      <Icon name="warn" size={14} />
      <span>{note}</span>
    </p>
  ))
}

/** The name that is coming, what it would take, and the request as it would be sent. */
function Beside({ form, forecast }: { form: Form; forecast: Forecast }) {
  const t = useT()
  const [shown, setShown] = useState(false)
  const { data } = useQuery(modelsQuery())
  const call: Call = {
    method: 'POST',
    path: '/fine_tuning/jobs',
    name: 'fine_tuning.jobs.create',
    body: requestOf(form) as unknown as Record<string, unknown>,
  }
  const parent = data?.data.find((model) => model.id === form.model)
  const base = baseOf(form.model)
  const organization = currentOrganization() ?? '…'
  return (
    <aside className={styles.beside} aria-label={t.create.preview}>
      <div>
        <h3>{t.create.preview}</h3>
        <p className={styles.preview}>
          <code>{`ft:${base || '…'}:${organization}:${form.suffix}:`}</code>
          <code className="quiet">········</code>
        </p>
        {parent && <p className={styles.hint}>{t.create.modelHint({ base: parent.served_by })}</p>}
      </div>
      <ForecastView forecast={forecast} />
      <div className={styles.request}>
        <Button small icon="code" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? t.create.hideRequest : t.create.showRequest}
        </Button>
        {shown && <CodeView call={call} />}
      </div>
    </aside>
  )
}

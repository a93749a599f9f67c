/** A model to talk to: tuned ones first, with their checkpoints, then what the server has, then OpenAI's names. */
import type { Checkpoint, Model } from '@/api/client'
import { useKin } from '@/api/family'
import { isBase, isTuned, suffixOf } from '@/api/models'
import { type Messages, useT } from '@/i18n'
import { type Choice, Combobox } from '@/ui/Combobox'
import { Field } from '@/ui/Field'

type Props = { value: string; onChange: (model: string) => void; label: string; error?: string }

export function ChatModelPicker({ value, onChange, label, error }: Props) {
  const t = useT()
  const { models, checkpoints, isLoading } = useKin([value])
  const choices = choicesOf(models, checkpoints, t)
  const unknown = !isLoading && value !== '' && !choices.some((choice) => choice.value === value)
  const isKnownElsewhere = value.startsWith('ft:') // a checkpoint of an older job, or one that is shared
  return (
    <Field
      label={label}
      error={error ?? (unknown && !isKnownElsewhere ? t.playground.noSuchModel : undefined)}
    >
      {(tied) => (
        <Combobox
          {...tied}
          value={value}
          choices={choices}
          onChange={onChange}
          placeholder={t.playground.choose}
          field="model"
        />
      )}
    </Field>
  )
}

function choicesOf(models: Model[], checkpoints: Checkpoint[], t: Messages): Choice[] {
  const groups = t.playground.groups
  const choice = (group: string) => (model: Model) => ({
    value: model.id,
    label: model.id,
    group,
    words: model.served_by,
    detail: isBase(model) ? undefined : model.served_by,
  })
  return [
    ...models.filter(isTuned).map(choice(groups.tuned)),
    ...checkpoints.map((one) => ({
      value: one.fine_tuned_model_checkpoint,
      label: one.fine_tuned_model_checkpoint,
      group: groups.checkpoints,
      words: suffixOf(one.fine_tuned_model_checkpoint) ?? '',
    })),
    ...models.filter(isBase).map(choice(groups.bases)),
    ...models.filter((model) => !isBase(model) && !isTuned(model)).map(choice(groups.aliases)),
  ]
}

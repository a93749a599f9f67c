/** A model by name: one's own tuned ones, what the server has, and OpenAI's names for it. */
import { useQuery } from '@tanstack/react-query'
import type { Model } from '@/api/client'
import { isBase, isTuned, modelsQuery } from '@/api/models'
import { serverQuery } from '@/api/server'
import { useT } from '@/i18n'
import { type Choice, Combobox } from '@/ui/Combobox'
import { Field } from '@/ui/Field'

type Props = {
  value: string
  onChange: (model: string) => void
  error?: string | undefined
  mark?: string | undefined
  label?: string
}

export function ModelPicker({ value, onChange, error, mark, label }: Props) {
  const t = useT()
  const { data } = useQuery(modelsQuery())
  const models = data?.data ?? []
  const groups: [string, Model[]][] = [
    [t.create.groups.bases, models.filter((model) => isBase(model))],
    [t.create.groups.tuned, models.filter((model) => isTuned(model))],
    [t.create.groups.aliases, models.filter((model) => !isBase(model) && !isTuned(model))],
  ]
  const { data: server } = useQuery(serverQuery())
  const room = (id: string): string | undefined => {
    const memory = server?.bases.find((base) => base.id === id)?.training
    if (!memory) return undefined
    return memory.fits === null ? t.create.fits.perhaps : memory.fits ? t.create.fits.yes : t.create.fits.no
  }
  const choices = groups.flatMap(([group, members]) =>
    members.map(
      (model): Choice => ({
        value: model.id,
        label: model.id,
        group,
        words: model.served_by,
        detail: [isBase(model) ? undefined : model.served_by, room(model.served_by)]
          .filter(Boolean)
          .join(' · '),
      }),
    ),
  )
  const base = models.find((model) => model.id === value)?.served_by
  return (
    <Field
      label={label ?? t.create.model}
      error={error}
      mark={mark}
      hint={base && base !== value ? t.create.modelHint({ base }) : undefined}
    >
      {(tied) => (
        <Combobox
          {...tied}
          field="model"
          value={value}
          choices={choices}
          onChange={onChange}
          placeholder={t.create.modelPlaceholder}
        />
      )}
    </Field>
  )
}

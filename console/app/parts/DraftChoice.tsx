/** Which draft takes a row: one of its kind, or a new one. */
import { useState } from 'react'
import type { Draft } from '@/api/drafts'
import { useT } from '@/i18n'
import { freeName, type Kind, nameFault } from '@/lib/drafts'
import { Field, Input, Select } from '@/ui/Field'
import { useFill } from './useDrafts'

const fits = (draft: Draft, kind: Kind) => draft.kind === null || draft.kind === kind

/** Where such rows went last; a name of its own where none did. `drafts` has the newest first. */
export function usualDraft(drafts: readonly Draft[], kind: Kind, otherwise: string): string {
  const last = drafts.find((draft) => draft.kind === kind) ?? drafts.find((draft) => fits(draft, kind))
  const taken = drafts.map((draft) => draft.name)
  return last?.name ?? freeName(otherwise, taken)
}

type Props = {
  drafts: readonly Draft[]
  kind: Kind
  value: string
  onChange: (name: string) => void
  error?: string | null
}

export function DraftChoice({ drafts, kind, value, onChange, error }: Props) {
  const t = useT()
  const fill = useFill()
  const fitting = drafts.filter((draft) => fits(draft, kind))
  const others = drafts.filter((draft) => !fits(draft, kind))
  const [isNew, setNew] = useState(!fitting.some((draft) => draft.name === value))
  const fault = isNew
    ? nameFault(
        value,
        drafts.map((draft) => draft.name),
      )
    : null
  return (
    <>
      {drafts.length > 0 && (
        <Field label={t.drafts.draft} hint={others.length > 0 && t.drafts.otherKindHint}>
          {(tied) => (
            <Select
              {...tied}
              value={isNew ? '' : value}
              onChange={({ target }) => {
                setNew(!target.value)
                onChange(target.value || usualNew(drafts, t.drafts.defaultNames[kind]))
              }}
            >
              {fitting.map((draft) => (
                <option key={draft.id} value={draft.name}>
                  {`${draft.name} · ${fill(draft)}`}
                </option>
              ))}
              <option value="">{t.drafts.newDraft}</option>
              {others.map(
                ({ id, name, kind: held }) =>
                  held && (
                    <option key={id} value={name} disabled>
                      {t.drafts.otherKind({ name, kind: t.drafts.kindOf[held] })}
                    </option>
                  ),
              )}
            </Select>
          )}
        </Field>
      )}
      {isNew && (
        <Field
          label={drafts.length ? t.drafts.newName : t.drafts.draft}
          hint={t.drafts.nameHint}
          error={fault ? t.drafts.errors[`name.${fault}`] : error}
        >
          {(tied) => (
            <Input
              {...tied}
              autoComplete="off"
              value={value}
              onChange={(event) => onChange(event.target.value)}
            />
          )}
        </Field>
      )}
      {!isNew && error && <p role="alert">{error}</p>}
    </>
  )
}

const usualNew = (drafts: readonly Draft[], name: string): string =>
  freeName(
    name,
    drafts.map((draft) => draft.name),
  )

/** The language of the console, chosen for this browser. */
import { useState } from 'react'
import { chooseLanguage, LANGUAGES, type LanguageChoice, languageChoice, useT } from '@/i18n'
import { Field, Select } from '@/ui/Field'

export function LanguageField() {
  const t = useT()
  const [choice, setChoice] = useState(languageChoice)
  return (
    <Field label={t.settings.language}>
      {(tied) => (
        <Select
          {...tied}
          value={choice}
          onChange={(event) => {
            const chosen = event.target.value as LanguageChoice
            setChoice(chosen)
            chooseLanguage(chosen)
          }}
        >
          <option value="auto">{t.settings.languageAuto}</option>
          {Object.entries(LANGUAGES).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  )
}

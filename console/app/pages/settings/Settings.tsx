/** What is chosen for this browser: looks, language, keys on the keyboard, and whether the API key is kept. */
import { type ReactNode, useState } from 'react'
import { isRemembered, rememberOnlyHere, signOut } from '@/api/key'
import { Page } from '@/frame/Page'
import { prefer, THEMES, usePreferences } from '@/frame/preferences'
import { ShortcutHelp } from '@/frame/ShortcutHelp'
import { chooseLanguage, LANGUAGES, type LanguageChoice, languageChoice, useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Check, Field, Segments, Select } from '@/ui/Field'
import styles from './Settings.module.css'

export function Settings() {
  const t = useT()
  const { theme, shortcuts } = usePreferences()
  const [choice, setChoice] = useState(languageChoice)
  const [kept, setKept] = useState(isRemembered)
  const [help, setHelp] = useState(false)
  const address = `${location.origin}/v1`
  return (
    <Page title={t.settings.title} lead={t.settings.lead}>
      <div className={styles.groups}>
        <Group title={t.settings.appearance}>
          <Segments
            legend={t.settings.theme}
            value={theme}
            options={THEMES.map((value) => ({ value, label: t.settings.themes[value] }))}
            onChange={(value) => prefer({ theme: value })}
          />
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
        </Group>
        <Group title={t.settings.keyboard}>
          <Check
            label={t.settings.shortcuts}
            hint={t.settings.shortcutsHint}
            checked={shortcuts}
            onChange={(event) => prefer({ shortcuts: event.target.checked })}
          />
          <div>
            <Button onClick={() => setHelp(true)}>{t.settings.showShortcuts}</Button>
          </div>
        </Group>
        <Group title={t.settings.key}>
          <p>{kept ? t.settings.keyKept : t.settings.keyHere}</p>
          <div className={styles.buttons}>
            {kept && (
              <Button
                onClick={() => {
                  rememberOnlyHere()
                  setKept(false)
                }}
              >
                {t.settings.forgetKey}
              </Button>
            )}
            <Button icon="out" onClick={signOut}>
              {t.frame.signOut}
            </Button>
          </div>
        </Group>
        <Group title={t.settings.server}>
          <div className={styles.address}>
            <span className="quiet">{t.settings.address}</span>
            <code>{address}</code>
            <CopyButton text={address} what={t.settings.address} />
          </div>
        </Group>
      </div>
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
    </Page>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.group}>
      <h2>{title}</h2>
      <div className={styles.body}>{children}</div>
    </section>
  )
}

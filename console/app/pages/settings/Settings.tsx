/** What is chosen for this browser: looks, language, keys on the keyboard, and whether the API key is kept. */
import { type ReactNode, useState } from 'react'
import { isRemembered, rememberOnlyHere, signOut } from '@/api/key'
import { LanguageField } from '@/frame/LanguageField'
import { Page } from '@/frame/Page'
import { prefer, THEMES, usePreferences } from '@/frame/preferences'
import { ShortcutHelp } from '@/frame/ShortcutHelp'
import { useT } from '@/i18n'
import { CodeDialog, LIST_MODELS } from '@/parts/ViewCode'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Check, Segments } from '@/ui/Field'
import styles from './Settings.module.css'

export function Settings() {
  const t = useT()
  const { theme, shortcuts } = usePreferences()
  const [kept, setKept] = useState(isRemembered)
  const [open, setOpen] = useState<'help' | 'code' | null>(null)
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
          <LanguageField />
        </Group>
        <Group title={t.settings.keyboard}>
          <Check
            label={t.settings.shortcuts}
            hint={t.settings.shortcutsHint}
            checked={shortcuts}
            onChange={(event) => prefer({ shortcuts: event.target.checked })}
          />
          <div>
            <Button onClick={() => setOpen('help')}>{t.settings.showShortcuts}</Button>
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
          <div>
            <Button icon="code" onClick={() => setOpen('code')}>
              {t.shared.viewCode}
            </Button>
          </div>
        </Group>
      </div>
      {open === 'help' && <ShortcutHelp onClose={() => setOpen(null)} />}
      {open === 'code' && <CodeDialog call={LIST_MODELS} onClose={() => setOpen(null)} />}
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

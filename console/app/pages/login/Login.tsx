/** Sign-in: a key is tried on the server before it is kept, and the page that was wanted comes next. */
import { type FormEvent, useId, useRef, useState, useSyncExternalStore } from 'react'
import { Navigate, useSearchParams } from 'react-router'
import { canTravel, tryKey } from '@/api/client'
import { currentKey, onChange, signIn } from '@/api/key'
import { codeProblem, forgetCodeProblem, onCodeProblem } from '@/api/loginCode'
import { LanguageField } from '@/frame/LanguageField'
import { Mark } from '@/frame/Mark'
import { Page } from '@/frame/Page'
import { useT } from '@/i18n'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { Check, Field, Input } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './Login.module.css'

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/
const isUnencrypted = () => location.protocol === 'http:' && !LOOPBACK.test(location.hostname)

/** Only a path of the console's own: whoever made the link does not choose another site. */
const ownPath = (next: string | null) => (next && /^\/(?![/\\])/.test(next) ? next : '/')

export function Login() {
  const t = useT()
  const form = useId()
  const [search] = useSearchParams()
  const field = useRef<HTMLInputElement>(null)
  // a link, or a tab beside this one, may sign in too
  const key = useSyncExternalStore(onChange, currentKey)
  const ofLink = useSyncExternalStore(onCodeProblem, codeProblem)
  const [ofKey, setProblem] = useState<unknown>(null)
  const problem = ofKey ?? ofLink
  const [fault, setFault] = useState<'missing' | 'strange' | null>(null)
  const [busy, setBusy] = useState(false)
  const [shown, setShown] = useState(false)
  if (key) return <Navigate to={ownPath(search.get('next'))} replace />

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const filled = new FormData(event.currentTarget)
    const typed = `${filled.get('key') ?? ''}`.trim()
    const found = !typed ? 'missing' : canTravel(typed) ? null : 'strange'
    setFault(found)
    setProblem(null)
    if (found) {
      field.current?.focus()
      return field.current?.select()
    }
    setBusy(true)
    forgetCodeProblem()
    try {
      const project = await tryKey(typed)
      signIn(typed, filled.has('remember'), project)
    } catch (error) {
      setProblem(error)
      field.current?.select()
    }
    setBusy(false)
  }
  return (
    <main className={styles.main}>
      <div className={styles.card}>
        <Mark size={40} />
        <Page title={t.login.title} lead={t.login.lead}>
          {isUnencrypted() && (
            <p className={styles.warning}>
              <Icon name="warn" /> {t.login.unencrypted}
            </p>
          )}
          <form id={form} onSubmit={submit} className={styles.form} noValidate>
            <Field label={t.login.key} hint={t.login.keyHint} error={fault && t.login[fault]}>
              {(tied) => (
                <Input
                  {...tied}
                  ref={field}
                  name="key"
                  className="mono"
                  type={shown ? 'text' : 'password'}
                  autoComplete="current-password"
                  spellCheck={false}
                  autoFocus
                />
              )}
            </Field>
            <Check
              label={t.login.show}
              checked={shown}
              onChange={(event) => setShown(event.target.checked)}
            />
            <Check name="remember" label={t.login.remember} hint={t.login.rememberHint} />
            {problem !== null && <Problem error={problem} />}
            <Button kind="main" type="submit" busy={busy}>
              {busy ? t.login.checking : t.login.submit}
            </Button>
          </form>
          <p className={styles.lost}>{t.login.lost}</p>
          <LanguageField />
        </Page>
      </div>
    </main>
  )
}

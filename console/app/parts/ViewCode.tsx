/** The call behind a page, as code to take along: JSON, Python, Node, curl. */
import { useState } from 'react'
import { useT } from '@/i18n'
import { type Call, code, type Language } from '@/lib/code'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Dialog } from '@/ui/Dialog'
import { Segments } from '@/ui/Field'
import styles from './ViewCode.module.css'

/** What shows that an address and a key are right. */
export const LIST_MODELS: Call = { method: 'GET', path: '/models', name: 'models.list' }

const NAMES: Record<Language, string> = { json: 'JSON', python: 'Python', node: 'Node', curl: 'curl' }

export function CodeView({ call }: { call: Call }) {
  const t = useT()
  const languages = (Object.keys(NAMES) as Language[]).filter(
    (one) => (call.body && call.file === undefined) || one !== 'json',
  )
  const [language, setLanguage] = useState<Language>('python')
  const text = code(call, language, `${location.origin}/v1`)
  return (
    <div className={styles.view}>
      <div className={styles.bar}>
        <Segments
          legend={t.shared.codeLanguage}
          hidden
          value={language}
          options={languages.map((value) => ({ value, label: NAMES[value] }))}
          onChange={setLanguage}
        />
        <CopyButton text={text} what={NAMES[language]} label={t.shared.copy} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long code scrolls, also by keyboard */}
      <pre className={styles.code} tabIndex={0}>
        {text}
      </pre>
      {language !== 'json' && <p className="quiet">{t.shared.codeKey}</p>}
    </div>
  )
}

/** The button that shows the call of a page. */
export function CodeButton({ call }: { call: Call }) {
  const t = useT()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button icon="code" onClick={() => setOpen(true)}>
        {t.shared.viewCode}
      </Button>
      {open && <CodeDialog call={call} onClose={() => setOpen(false)} />}
    </>
  )
}

export function CodeDialog({ call, onClose }: { call: Call; onClose: () => void }) {
  const t = useT()
  return (
    <Dialog title={t.shared.viewCode} onClose={onClose} wide>
      <CodeView call={call} />
    </Dialog>
  )
}

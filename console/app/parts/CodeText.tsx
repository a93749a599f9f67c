/** One call in four languages, to read and to copy. */
import { useState } from 'react'
import { useT } from '@/i18n'
import { type Call, code, type Language } from '@/lib/code'
import { CopyButton } from '@/ui/CopyButton'
import { Segments } from '@/ui/Field'
import styles from './CodeText.module.css'

const NAMES: Record<Language, string> = { json: 'JSON', python: 'Python', node: 'Node', curl: 'curl' }

export default function CodeText({ call }: { call: Call }) {
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

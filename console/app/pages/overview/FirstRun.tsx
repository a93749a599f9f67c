/** Nothing has been tuned yet: the sample, by one click or from code. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useLayoutEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { isApiError } from '@/api/client'
import { isBase, modelsQuery } from '@/api/models'
import { fineTuneSample, type Sent, sampleQuery } from '@/api/samples'
import { serverQuery, smallestBase } from '@/api/server'
import { Page } from '@/frame/Page'
import { useT } from '@/i18n'
import { firstRunCode } from '@/lib/firstRun'
import { count } from '@/lib/number'
import { requestNames } from '@/lib/requestNames'
import codeStyles from '@/parts/CodeText.module.css'
import { Problem } from '@/parts/Problem'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Segments } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './Overview.module.css'

export function FirstRun() {
  const t = useT()
  const navigate = useNavigate()
  const client = useQueryClient()
  const { data: sample, error: noSample } = useQuery(sampleQuery())
  const { data: models } = useQuery(modelsQuery())
  const [doing, setDoing] = useState<'uploading' | 'creating' | null>(null)
  const [problem, setProblem] = useState<unknown>(null)
  const sent = useRef<Sent>({})
  const [nameOf] = useState(requestNames)
  const { data: server, isPending } = useQuery(serverQuery())
  const bases = models?.data.filter(isBase) ?? []
  const smallest = smallestBase(server)
  const base = isPending ? undefined : (bases.find(({ id }) => id === smallest) ?? bases[0])?.id

  const main = useRef<HTMLButtonElement>(null)
  // after the page has given it to the heading; somebody who is elsewhere already stays there
  useLayoutEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.tagName === 'H1')
      main.current?.focus({ preventScroll: true })
  }, [])

  const start = async () => {
    if (!sample || !base) return
    setProblem(null)
    try {
      const job = await fineTuneSample(sample, base, sent.current, nameOf, setDoing)
      client.setQueryData(['job', job.id], job)
      navigate(paths.job(job.id))
    } catch (error) {
      if (isApiError(error) && !error.isOffline && error.status < 500) sent.current = {} // they may be gone
      setProblem(error)
      setDoing(null)
    }
  }
  return (
    <Page
      title={t.overview.first.title}
      lead={
        sample &&
        base &&
        t.overview.first.lead({ rows: count(sample.rows), held: count(sample.heldOut), model: base })
      }
    >
      <div className={styles.first}>
        <section className={styles.start}>
          {sample && (
            <div className={styles.example}>
              <p className={styles.asked}>
                <span className={styles.role}>{t.overview.first.before}</span>
                {sample.question}
              </p>
              <p className={styles.answered}>
                <span className={styles.role}>{t.overview.first.after}</span>
                {sample.reply}
              </p>
            </div>
          )}
          <ol className={styles.steps}>
            {t.overview.first.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
          {noSample && <Problem error={noSample} />}
          {problem !== null && <Problem error={problem} />}
          <div className={styles.buttons}>
            <Button
              ref={main}
              kind="main"
              icon="spark"
              busy={doing !== null || !sample || !base}
              onClick={start}
            >
              {doing ? t.overview.first[doing] : t.overview.first.start}
            </Button>
            <ButtonLink icon="upload" to={paths.newJob()}>
              {t.overview.first.own}
            </ButtonLink>
          </div>
        </section>
        <FromCode model={base ?? 'gpt-4o-mini'} />
      </div>
    </Page>
  )
}

function FromCode({ model }: { model: string }) {
  const t = useT()
  const [language, setLanguage] = useState<'python' | 'node' | 'curl'>('python')
  const text = firstRunCode(language, location.origin, model)
  return (
    <section className={styles.code}>
      <h2>
        <Icon name="code" /> {t.overview.first.code}
      </h2>
      <div className={codeStyles.view}>
        <div className={codeStyles.bar}>
          <Segments
            legend={t.shared.codeLanguage}
            hidden
            value={language}
            options={[
              { value: 'python', label: 'Python' },
              { value: 'node', label: 'Node' },
              { value: 'curl', label: 'curl' },
            ]}
            onChange={setLanguage}
          />
          <CopyButton text={text} what={language} label={t.shared.copy} />
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long code scrolls, also by keyboard */}
        <pre className={codeStyles.code} tabIndex={0}>
          {text}
        </pre>
      </div>
      <p className="quiet">{t.overview.first.codeHint}</p>
    </section>
  )
}

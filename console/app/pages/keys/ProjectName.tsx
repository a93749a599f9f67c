/** A project's name: of a new one, or another one for one that is there. */
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { createProject, type Project, renameProject } from '@/api/organization'
import { useT } from '@/i18n'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Field, Input } from '@/ui/Field'
import styles from './Keys.module.css'

type Props = { project: Project | null; onDone: (project: Project) => void; onClose: () => void }

export function ProjectName({ project, onDone, onClose }: Props) {
  const t = useT()
  const form = useId()
  const client = useQueryClient()
  const [name, setName] = useState(project?.name ?? '')
  const [missing, setMissing] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const wanted = name.trim()
    setMissing(!wanted)
    if (!wanted || busy) return
    setBusy(true)
    setProblem(null)
    try {
      const made = project ? await renameProject(project.id, wanted) : await createProject(wanted)
      await client.invalidateQueries({ queryKey: ['projects'] })
      onDone(made)
    } catch (error) {
      setProblem(error)
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={project ? t.keys.renameTitle : t.keys.newProject}
      onClose={onClose}
      mayClose={() => !busy}
      footer={
        <>
          <Button disabledReason={busy ? t.shared.underWay : undefined} onClick={onClose}>
            {t.shared.cancel}
          </Button>
          <Button kind="main" type="submit" form={form} busy={busy}>
            {project ? t.keys.rename : t.keys.createProject}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={submit} noValidate>
        <Field label={t.keys.projectName} error={missing ? t.keys.missingName : null}>
          {(tied) => (
            <Input {...tied} maxLength={128} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        {problem !== null && <Problem error={problem} />}
      </form>
    </Dialog>
  )
}

/** Which project's keys are shown, and what can be done with it. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { archiveProject, type Project } from '@/api/organization'
import { useT } from '@/i18n'
import { DeleteDialog } from '@/parts/DeleteDialog'
import { Button } from '@/ui/Button'
import { Check, Select } from '@/ui/Field'
import { Menu } from '@/ui/Menu'
import { toast } from '@/ui/Toast'
import styles from './Keys.module.css'
import { ProjectName } from './ProjectName'

type Props = {
  projects: Project[]
  project: Project
  archived: boolean
  onArchived: (shown: boolean) => void
  onChoose: (id: string) => void
  onNewKey: () => void
}

export function ProjectBar({ projects, project, archived, onArchived, onChoose, onNewKey }: Props) {
  const t = useT()
  const client = useQueryClient()
  const [open, setOpen] = useState<'new' | 'rename' | 'archive' | null>(null)
  const ended = project.status === 'archived' ? t.keys.archived : undefined
  return (
    <>
      <div className={styles.bar}>
        <h2 className="hidden-text">{project.name}</h2>
        <Select
          className={styles.projects}
          aria-label={t.keys.project}
          value={project.id}
          onChange={(event) => onChoose(event.target.value)}
        >
          {projects.map((one) => (
            <option key={one.id} value={one.id}>
              {one.status === 'archived' ? `${one.name} (${t.keys.archived})` : one.name}
            </option>
          ))}
        </Select>
        <code className={styles.id}>{project.id}</code>
        <Menu
          small
          label={t.keys.more({ name: project.name })}
          items={[
            { label: t.keys.rename, onSelect: () => setOpen('rename'), disabledReason: ended },
            { label: t.keys.archive, onSelect: () => setOpen('archive'), disabledReason: ended },
          ]}
        />
        <Check
          label={t.keys.showArchived}
          checked={archived}
          onChange={(event) => onArchived(event.target.checked)}
        />
        <span className={styles.space} />
        <Button icon="plus" onClick={() => setOpen('new')}>
          {t.keys.newProject}
        </Button>
        <Button kind="main" icon="plus" disabledReason={ended} onClick={onNewKey}>
          {t.keys.newKey}
        </Button>
      </div>
      {(open === 'new' || open === 'rename') && (
        <ProjectName
          project={open === 'rename' ? project : null}
          onDone={(made) => {
            setOpen(null)
            onChoose(made.id)
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'archive' && (
        <DeleteDialog
          title={t.keys.archiveTitle}
          name={project.name}
          action={t.keys.archive}
          onClose={() => setOpen(null)}
          onDelete={async () => {
            await archiveProject(project.id)
            await client.invalidateQueries({ queryKey: ['projects'] })
            toast(t.keys.archiveDone({ name: project.name }))
          }}
        >
          <p>{t.keys.archiveText}</p>
        </DeleteDialog>
      )}
    </>
  )
}

/** Deletes a tuned model, once its name has been typed. */
import { useQueryClient } from '@tanstack/react-query'
import { api, body, type Job } from '@/api/client'
import { useT } from '@/i18n'
import { DeleteDialog } from '@/parts/DeleteDialog'
import { toast } from '@/ui/Toast'
import styles from './Models.module.css'
import { dependantsOf, type Tuned } from './tree'

export function DeleteModel({ tuned, jobs, onClose }: { tuned: Tuned; jobs: Job[]; onClose: () => void }) {
  const t = useT()
  const client = useQueryClient()
  const { model, name } = tuned
  const dependants = dependantsOf(model.id, jobs)
  const remove = async () => {
    await body(api.DELETE('/v1/models/{model}', { params: { path: { model: model.id } } }))
    await client.invalidateQueries({ queryKey: ['models'] })
    toast(t.models.deleted({ name }))
  }
  return (
    <DeleteDialog
      title={t.models.deleteTitle}
      name={name}
      action={t.models.remove}
      onDelete={remove}
      onClose={onClose}
    >
      <p>{t.models.deleteText}</p>
      <p className={styles.id}>{model.id}</p>
      {dependants.length > 0 && (
        <div>
          <p>{t.models.dependants}</p>
          <ul className={styles.dependants}>
            {dependants.map((one) => (
              <li key={one}>
                <code>{one}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
    </DeleteDialog>
  )
}

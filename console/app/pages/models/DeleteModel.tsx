/** Deletes a tuned model, once its name has been typed. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { api, body } from '@/api/client'
import { modelQuery } from '@/api/models'
import { useT } from '@/i18n'
import { DeleteDialog } from '@/parts/DeleteDialog'
import { toast } from '@/ui/Toast'
import styles from './Models.module.css'

type Props = {
  /** Its whole name. */
  id: string
  /** What has to be typed. */
  name: string
  /** What was trained on top of it, as far as this page knows; the server knows all. */
  dependants: string[]
  onClose: () => void
  onDeleted?: () => void
}

export function DeleteModel({ id, name, dependants: known, onClose, onDeleted }: Props) {
  const t = useT()
  const client = useQueryClient()
  const { data, isPending } = useQuery(modelQuery(id))
  const dependants = data?.details?.built_on_it ?? known
  const remove = async () => {
    await body(api.DELETE('/v1/models/{model}', { params: { path: { model: id } } }))
    toast(t.models.deleted({ name }))
    onDeleted?.()
    client.removeQueries({ queryKey: ['model', id] })
    await client.invalidateQueries({ queryKey: ['models'] })
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
      <p className={styles.id}>{id}</p>
      {isPending && <p className="quiet">{t.models.readingDependants}</p>}
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

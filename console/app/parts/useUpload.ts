/** Begins an upload that is heard of at its end: by the part that began it, or as news on whatever page is there. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { isApiError } from '@/api/client'
import { sentence } from '@/api/errors'
import { begin, type Uploading } from '@/api/uploading'
import { said } from '@/i18n'
import { lookFault } from '@/lib/jsonl'
import { toast } from '@/ui/Toast'

/** `isShown`: whether the reader sees by themselves how it ended. Gives the upload's id. */
export function useUpload(
  isShown: () => boolean,
): (file: File, onEnd?: (ended: Uploading) => void) => number {
  const client = useQueryClient()
  return useCallback(
    (file, onEnd) =>
      begin(file, (ended) => {
        if (ended.file) client.invalidateQueries({ queryKey: ['files'] })
        if (!isShown()) tell(ended)
        else onEnd?.(ended)
      }),
    [client, isShown],
  )
}

function tell({ state, name, look, problem }: Uploading): void {
  const t = said()
  if (state === 'done') toast(t.create.uploaded({ name }))
  if (state === 'cancelled' || state === 'done') return
  const fault = look && lookFault(look, t)
  const detail = fault ?? (isApiError(problem) ? problem.message : sentence(problem, t))
  toast(t.create.uploadFailed({ name }), { kind: 'bad', detail })
}

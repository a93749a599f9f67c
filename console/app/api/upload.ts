/** A file on its way to the server: in one request, or in parts where it is too large for that. */
import type { FileObject } from './client'
import { type How, sendForm } from './sendForm'
import { uploadInParts } from './uploadParts'

const MOST_AT_ONCE_BYTES = 512 * 1024 * 1024

export type Progress = { sentBytes: number; totalBytes: number }

export function upload(file: File, { onProgress, signal }: How<Progress> = {}): Promise<FileObject> {
  if (file.size > MOST_AT_ONCE_BYTES) return uploadInParts(file, { onProgress, signal })
  const form = new FormData()
  form.append('purpose', 'fine-tune')
  form.append('file', file)
  const tell = (bytes: number) =>
    onProgress?.({ sentBytes: Math.min(bytes, file.size), totalBytes: file.size })
  return sendForm('/v1/files', form, { onProgress: tell, signal })
}

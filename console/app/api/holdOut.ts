/** A tenth of a training file held out: two new files, for files are never changed. The same file gives the same two. */
import { type Parts, partName, split } from '@/lib/split'
import { content, type FileObject } from './client'
import { upload } from './upload'

export const HELD_OUT = 0.1
/** What a browser splits without a pause; more is for a script. */
export const MOST_BYTES = 64 * 1024 * 1024

type Source = { id: string; filename: string }
export type Held = { train: FileObject; valid: FileObject; parts: Parts }

/** The file's two parts, not stored yet; null where one of them would be empty. */
export const partsOf = async (file: Source): Promise<Parts | null> =>
  split(await (await content(file.id)).text(), HELD_OUT)

/** Stores both. */
export async function storeParts(file: Source, parts: Parts): Promise<Held> {
  const send = (part: 'train' | 'valid') => upload(new File([parts[part]], partName(file.filename, part)), {})
  const [train, valid] = [await send('train'), await send('valid')]
  return { train, valid, parts }
}

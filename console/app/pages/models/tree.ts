/** The models as a family: each base with the names it goes by and what was tuned from it. */
import type { Job, Model } from '@/api/client'
import { jobOf } from '@/api/family'
import { isBase, isTuned, suffixOf } from '@/api/models'

export type Tuned = { model: Model; job: Job | undefined; name: string }
export type Family = { base: Model; aliases: string[]; tuned: Tuned[] }
export type Filter = { kind: 'all' | 'tuned' | 'base'; q: string }

export function families(models: readonly Model[], jobs: readonly Job[]): Family[] {
  const bases = models.filter(isBase)
  const known = new Set(bases.map((base) => base.id))
  // weights that no longer have a name of their own still have a family
  const orphans = [
    ...new Set(models.filter((model) => !known.has(model.served_by)).map((model) => model.served_by)),
  ]
  const heads = [...bases, ...orphans.map((id): Model => ({ ...(models[0] as Model), id, served_by: id }))]
  return heads.map((base) => {
    const members = models.filter((model) => model.served_by === base.id && model.id !== base.id)
    return {
      base,
      aliases: members.filter((model) => !isTuned(model)).map((model) => model.id),
      tuned: members
        .filter(isTuned)
        .map((model) => ({ model, job: jobOf(jobs, model.id), name: suffixOf(model.id) ?? model.id })),
    }
  })
}

/** What a filter leaves; a family without anything that matches is gone. */
export function filtered(all: readonly Family[], { kind, q }: Filter): Family[] {
  const words = q.trim().toLowerCase()
  const has = (...texts: (string | undefined)[]) =>
    !words || texts.some((text) => text?.toLowerCase().includes(words))
  return all
    .map((family) => ({
      ...family,
      tuned: kind === 'base' ? [] : family.tuned.filter(({ model, job }) => has(model.id, job?.id)),
    }))
    .filter(({ base, aliases, tuned }) => tuned.length > 0 || (kind !== 'tuned' && has(base.id, ...aliases)))
}

/** The models that were trained on top of another one. */
export const dependantsOf = (model: string, jobs: readonly Job[]): string[] =>
  jobs.flatMap((job) => (job.model === model && job.fine_tuned_model ? [job.fine_tuned_model] : []))

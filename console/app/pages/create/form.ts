/** What the create dialog holds: checked, compared, and made into the body of the request. */
import type { CreateJob, Job, JobEvent } from '@/api/client'
import { methodOf, settingsOf } from '@/api/jobs'
import limits from '@/api/limits.json'
import type { Messages } from '@/i18n'
import { count } from '@/lib/number'

export type Method = 'supervised' | 'dpo'
export const HYPERPARAMETERS = ['n_epochs', 'batch_size', 'learning_rate_multiplier', 'beta'] as const
export type Hyperparameter = (typeof HYPERPARAMETERS)[number]

export type Form = {
  method: Method
  model: string
  training: string
  validation: string
  suffix: string
  seed: string
  /** As typed; empty is auto. */
  values: Record<Hyperparameter, string>
}
export type FieldName = 'model' | 'training' | 'validation' | 'suffix' | 'seed' | Hyperparameter
export type Faults = Partial<Record<FieldName, string>>

const AUTO: Form['values'] = { n_epochs: '', batch_size: '', learning_rate_multiplier: '', beta: '' }
export const EMPTY: Form = {
  method: 'supervised',
  model: '',
  training: '',
  validation: '',
  suffix: '',
  seed: '',
  values: AUTO,
}

/** The fields in which two forms differ. */
export function changes(form: Form, from: Form): (FieldName | 'method')[] {
  const own = ['method', 'model', 'training', 'validation', 'suffix', 'seed'] as const
  return [
    ...own.filter((name) => form[name] !== from[name]),
    ...HYPERPARAMETERS.filter((name) => form.values[name] !== from.values[name]),
  ]
}

/** The settings of a method: DPO has one more. */
export const settingsFor = (method: Method): Hyperparameter[] =>
  HYPERPARAMETERS.filter((name) => name !== 'beta' || method === 'dpo')

/** What was asked for when `job` was made; its events know what was auto. */
export function formOf(job: Job, events: readonly JobEvent[]): Form {
  const asked: Record<string, unknown> = { ...settingsOf(job) }
  const told = events.find((event) => event.data.resolved)?.data.resolved as
    | Record<string, { requested: unknown }>
    | undefined
  for (const [name, { requested }] of Object.entries(told ?? {}))
    if (requested !== null) asked[name] = requested
  const values = { ...AUTO }
  for (const name of HYPERPARAMETERS) {
    const value = asked[name]
    values[name] = value === undefined || value === null || value === 'auto' ? '' : `${value}`
  }
  return {
    method: methodOf(job) === 'dpo' ? 'dpo' : 'supervised',
    model: job.model,
    training: job.training_file,
    validation: job.validation_file ?? '',
    suffix: job.user_provided_suffix ?? '',
    seed: `${job.seed}`,
    values,
  }
}

/** `read`, with what was typed while it was being read. */
export function under(typed: Form, read: Form): Form {
  const given = <T extends object>(of: T, empty: T) =>
    Object.fromEntries(Object.entries(of).filter(([name, value]) => value !== empty[name as keyof T]))
  return {
    ...read,
    ...given({ ...typed, values: AUTO }, EMPTY),
    values: { ...read.values, ...given(typed.values, AUTO) },
  }
}

export function faultsOf(form: Form, t: Messages): Faults {
  const faults: Faults = {}
  if (!form.model) faults.model = t.create.missingModel
  if (!form.training) faults.training = t.create.missingTraining
  if (form.suffix && !/^[A-Za-z0-9._-]+$/.test(form.suffix)) faults.suffix = t.create.suffixWrong
  if (form.suffix.length > limits.suffix_chars) faults.suffix = t.create.suffixHint
  if (form.seed.trim() && !fits(form.seed, limits.seed)) faults.seed = t.create.seedWrong
  for (const name of settingsFor(form.method)) {
    if (form.values[name].trim() && !fits(form.values[name], limits[name])) faults[name] = rangeOf(name, t)
  }
  return faults
}

export function rangeOf(name: Hyperparameter, t: Messages): string {
  const { least, most, whole } = limits[name]
  return whole
    ? t.create.range({ least: count(least), most: count(most) })
    : t.create.above({ most: count(most) })
}

function fits(
  text: string,
  { least, most, whole }: { least: number; most: number; whole: boolean },
): boolean {
  const value = Number(text)
  if (!Number.isFinite(value) || value > most) return false
  return whole ? Number.isInteger(value) && value >= least : value > least
}

/** The body of `POST /v1/fine_tuning/jobs`. */
export function requestOf(form: Form): CreateJob {
  const hyperparameters: Record<string, number | 'auto'> = {}
  for (const name of settingsFor(form.method)) {
    const typed = form.values[name].trim()
    hyperparameters[name] = typed ? Number(typed) : 'auto'
  }
  const request: Record<string, unknown> = {
    model: form.model,
    training_file: form.training,
    method: { type: form.method, [form.method]: { hyperparameters } },
  }
  if (form.validation) request.validation_file = form.validation
  if (form.suffix) request.suffix = form.suffix
  if (form.seed.trim()) request.seed = Number(form.seed)
  return request as CreateJob
}

/** Which field of the dialog an error of the server is about. */
export function fieldOf(param: string | null): FieldName | null {
  const last = param?.split('.').at(-1) ?? ''
  if (last === 'training_file') return 'training'
  if (last === 'validation_file') return 'validation'
  const names: FieldName[] = ['model', 'suffix', 'seed', ...HYPERPARAMETERS]
  return names.find((name) => name === last) ?? null
}

/**
 * The form as it was left, while the tab lives: closing the dialog and loading the page again lose nothing.
 *
 * There is one for each job that is being duplicated, and one for everything else. A link to the dialog may name a
 * method, a model or a file: they are filled in when it leads here, and whatever is chosen later stays.
 */
import { EMPTY, type Form } from './form'

const NAME = 'tunesmith.create'
/** `query`: that of the address under which it was left. */
type Left = { form: Form; query: string }

function all(): Record<string, Left | undefined> {
  try {
    return JSON.parse(sessionStorage.getItem(NAME) ?? '{}')
  } catch {
    return {}
  }
}
const write = (kept: Record<string, Left | undefined>) => sessionStorage.setItem(NAME, JSON.stringify(kept))
const slotOf = (search: URLSearchParams): string => search.get('from') ?? ''

/** What a link fills in. */
export function linked(search: URLSearchParams): Form {
  return fillIn(EMPTY, search)
}

function fillIn(form: Form, search: URLSearchParams): Form {
  const method = search.get('method')
  return {
    ...form,
    method: method === 'dpo' || method === 'supervised' ? method : form.method,
    model: search.get('model') ?? form.model,
    training: search.get('file') ?? form.training,
  }
}

/** As it was left under this address; null where nothing was. */
export function left(search: URLSearchParams): Form | null {
  const found = all()[slotOf(search)]
  if (!found) return null
  const form = { ...EMPTY, ...found.form, values: { ...EMPTY.values, ...found.form.values } }
  return found.query === `${search}` ? form : fillIn(form, search)
}

export const keep = (search: URLSearchParams, form: Form): void =>
  write({ ...all(), [slotOf(search)]: { form, query: `${search}` } })

export const forget = (search: URLSearchParams): void => write({ ...all(), [slotOf(search)]: undefined })

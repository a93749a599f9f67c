/** The one-time code of the link that the server prints: taken out of the address at once, and made into a key. */
import { errorOf, noAnswer } from './errors'
import { onChange, signIn } from './key'

let problem: unknown = null
const listeners = new Set<() => void>()

/** Why the code in the address was worth nothing; null when all is well. */
export const codeProblem = (): unknown => problem
export function onCodeProblem(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const forgetCodeProblem = (): void => set(null)

function set(changed: unknown): void {
  problem = changed
  for (const tell of listeners) tell()
}
onChange(forgetCodeProblem) // signed in or out since, it is old news

/** Now, and whenever such a link is pasted over this page, which changes the fragment alone. */
export function redeemCodes(): Promise<void> {
  addEventListener('hashchange', redeem)
  return redeem()
}

async function redeem(): Promise<void> {
  const code = /^#code=([\w-]{8,128})$/.exec(location.hash)?.[1]
  if (!code) return
  history.replaceState(history.state, '', location.pathname + location.search)
  set(null)
  try {
    const response = await fetch(`/v1/login_codes/${code}`, { method: 'POST' }).catch((cause: unknown) => {
      throw noAnswer(cause)
    })
    const answer = (await response.json().catch(() => null)) as {
      value?: string
      project_id?: string
    } | null
    if (!response.ok || !answer?.value) throw errorOf(response, answer)
    signIn(answer.value, false, answer.project_id ?? null)
  } catch (error) {
    set(error)
  }
}

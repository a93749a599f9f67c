/** The one-time code of the link that the server prints: taken out of the address at once, and made into a key. */
import { errorOf, noAnswer } from './errors'
import { signIn } from './key'

let problem: unknown = null

/** Why the code in the address was worth nothing; null when all is well. */
export const codeProblem = (): unknown => problem

export async function redeemCode(): Promise<void> {
  const code = /^#code=([\w-]{8,128})$/.exec(location.hash)?.[1]
  if (!code) return
  history.replaceState(null, '', location.pathname + location.search)
  try {
    const response = await fetch(`/v1/login_codes/${code}`, { method: 'POST' }).catch((cause: unknown) => {
      throw noAnswer(cause)
    })
    const answer = (await response.json().catch(() => null)) as { value?: string } | null
    if (!response.ok || !answer?.value) throw errorOf(response, answer)
    signIn(answer.value, false)
  } catch (error) {
    problem = error
  }
}

/** What is wrong with a row: the server's sentence, in which the place stands as code. */
import { harmless } from '@/lib/visible'

export function ProblemWords({ path, message }: { path: string | null; message: string }) {
  if (!path) return harmless(message)
  const rest = message.startsWith(path) ? message.slice(path.length) : ` ${message}`
  return (
    <>
      <code>{harmless(path)}</code>
      {harmless(rest)}
    </>
  )
}

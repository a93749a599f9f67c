/**
 * Names for `Idempotency-Key`: the same request, asked again because no answer came, keeps its name, and one that was
 * changed since is another.
 */
export function requestNames(): (request: object) => string {
  const names = new Map<string, string>()
  return (request) => {
    const text = JSON.stringify(request)
    const name = names.get(text) ?? newName()
    names.set(text, name)
    return name
  }
}

/** `randomUUID` exists on secure pages only. */
function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

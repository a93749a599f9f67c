/** One call as JSON, curl, Python and Node. The key is always the environment's, never the real one. */

export type Call = {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below `/v1`. */
  path: string
  body?: Record<string, unknown>
  /** OpenAI's own parameters of a list. */
  query?: Record<string, number | string | Record<string, string>>
  /** Parameters of a list that only this server has. */
  ours?: Record<string, string>
  /** How the official clients name it: `fine_tuning.jobs.create`. */
  name: string
  /** What goes before the keyword arguments: ids in the path. */
  positional?: string[]
}
export type Language = 'json' | 'python' | 'node' | 'curl'

export function code(call: Call, language: Language, baseUrl: string): string {
  if (language === 'json') return JSON.stringify(call.body ?? {}, null, 2)
  if (language === 'curl') return curl(call, baseUrl)
  return language === 'python' ? python(call, baseUrl) : node(call, baseUrl)
}

function curl({ method, path, body, query, ours }: Call, baseUrl: string): string {
  const search = searchOf({ ...query, ...ours })
  // a shell reads & and ? as its own
  const url = search ? `"${baseUrl}${path}?${search}"` : `${baseUrl}${path}`
  const lines = [`curl ${url}`, '-H "Authorization: Bearer $OPENAI_API_KEY"']
  if (method !== 'GET') lines.splice(1, 0, `-X ${method}`)
  if (body) {
    lines.push(
      '-H "Content-Type: application/json"',
      `-d '${JSON.stringify(body, null, 2).replaceAll("'", "'\\''")}'`,
    )
  }
  return lines.join(' \\\n  ')
}

function searchOf(query: NonNullable<Call['query']>): URLSearchParams | '' {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    typeof value === 'object'
      ? Object.entries(value).map(([key, one]) => [`${name}[${key}]`, one])
      : [[name, `${value}`]],
  )
  return pairs.length ? new URLSearchParams(pairs) : ''
}

function python({ name, body, query, ours, positional = [] }: Call, baseUrl: string): string {
  const named = { ...body, ...query, ...(ours && Object.keys(ours).length ? { extra_query: ours } : {}) }
  const args = [
    ...positional.map((value) => JSON.stringify(value)),
    ...Object.entries(named).map(([key, value]) => `${key}=${pythonLiteral(value, 4)}`),
  ]
  const inside = args.length ? `\n${args.map((arg) => `    ${arg},\n`).join('')}` : ''
  return [
    'from openai import OpenAI',
    '',
    '# the key comes from the environment: OPENAI_API_KEY',
    `client = OpenAI(base_url=${JSON.stringify(baseUrl)})`,
    '',
    `answer = client.${name}(${inside})`,
    'print(answer)',
    '',
  ].join('\n')
}

function pythonLiteral(value: unknown, indent: number): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const inner = ' '.repeat(indent + 4)
  const end = ' '.repeat(indent)
  if (Array.isArray(value)) {
    if (!value.length) return '[]'
    return `[\n${value.map((one) => `${inner}${pythonLiteral(one, indent + 4)},\n`).join('')}${end}]`
  }
  const entries = Object.entries(value)
  if (!entries.length) return '{}'
  const lines = entries.map(
    ([key, one]) => `${inner}${JSON.stringify(key)}: ${pythonLiteral(one, indent + 4)},\n`,
  )
  return `{\n${lines.join('')}${end}}`
}

function node({ name, body, query, ours, positional = [] }: Call, baseUrl: string): string {
  const named = { ...body, ...query, ...ours }
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const args = positional.map((value) => JSON.stringify(value))
  if (Object.keys(named).length) args.push(nodeLiteral(named))
  return [
    'import OpenAI from "openai";',
    '',
    '// the key comes from the environment: OPENAI_API_KEY',
    `const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)} });`,
    '',
    `const answer = await client.${camel}(${args.join(', ')});`,
    'console.log(answer);',
    '',
  ].join('\n')
}

function nodeLiteral(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/^(\s*)"([A-Za-z_$][\w$]*)":/gm, '$1$2:')
}

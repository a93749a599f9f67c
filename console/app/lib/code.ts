/** One call as JSON, curl, Python and Node. The key is always the environment's, never the real one. */

type Value = string | number | string[] | Record<string, string>
export type Query = Record<string, Value | undefined>
export type Call = {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below `/v1`. */
  path: string
  body?: Record<string, unknown>
  query?: Query
  /** What the official clients have no argument for. */
  ownQuery?: Query
  /** The name of a file that is sent as a form, with `body` as its other fields. */
  file?: string
  /** How the official clients name it: `fine_tuning.jobs.create`; they send what has no name by its path. */
  name?: string
  /** What goes before the keyword arguments: ids in the path. */
  positional?: string[]
}
export type Language = 'json' | 'python' | 'node' | 'curl'

export function code(call: Call, language: Language, baseUrl: string): string {
  if (language === 'json') return JSON.stringify(call.body ?? {}, null, 2)
  if (language === 'curl') return curl(call, baseUrl)
  return language === 'python' ? python(call, baseUrl) : node(call, baseUrl)
}

const given = (query: Query = {}): [string, Value][] =>
  Object.entries(query).flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[key, value]]))

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function curl({ method, path, body, query, ownQuery, file }: Call, baseUrl: string): string {
  const search = new URLSearchParams(
    [...given(query), ...given(ownQuery)].flatMap(([key, value]) => inSearch(key, value)),
  )
  const address = `${baseUrl}${path}`
  const lines = [
    search.size ? `curl ${quoted(`${address}?${search}`)}` : `curl ${address}`,
    '-H "Authorization: Bearer $OPENAI_API_KEY"',
  ]
  if (file !== undefined) {
    for (const [key, value] of Object.entries(body ?? {})) lines.push(`-F ${quoted(`${key}=${value}`)}`)
    lines.push(`-F ${quoted(`file=@"${file.replaceAll(/[\\"]/g, '\\$&')}"`)}`)
    return lines.join(' \\\n  ')
  }
  if (method !== 'GET') lines.splice(1, 0, `-X ${method}`)
  if (body) lines.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(body, null, 2))}`)
  return lines.join(' \\\n  ')
}

/** `metadata[team]=x` for what has keys of its own, the name once for each of several. */
function inSearch(name: string, value: Value): [string, string][] {
  if (Array.isArray(value)) return value.map((one) => [name, one])
  if (typeof value === 'object') return Object.entries(value).map(([key, one]) => [`${name}[${key}]`, one])
  return [[name, `${value}`]]
}

function python(call: Call, baseUrl: string): string {
  const { method, path, name, body = {}, query, ownQuery, file, positional = [] } = call
  const own = Object.fromEntries(given(ownQuery))
  const args = name
    ? [
        ...positional.map((value) => JSON.stringify(value)),
        ...(file === undefined ? [] : [`file=open(${JSON.stringify(file)}, "rb")`]),
        ...[...given(query), ...Object.entries(body)].map(
          ([key, value]) => `${key}=${pythonLiteral(value, 4)}`,
        ),
        ...(given(ownQuery).length ? [`extra_query=${pythonLiteral(own, 4)}`] : []),
      ]
    : [
        JSON.stringify(path),
        'cast_to=object',
        `options=${pythonLiteral({ params: { ...Object.fromEntries(given(query)), ...own } }, 4)}`,
      ]
  const inside = args.length ? `\n${args.map((arg) => `    ${arg},\n`).join('')}` : ''
  return [
    'from openai import OpenAI',
    '',
    '# the key comes from the environment: OPENAI_API_KEY',
    `client = OpenAI(base_url=${JSON.stringify(baseUrl)})`,
    '',
    `answer = client.${name ?? method.toLowerCase()}(${inside})`,
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

function node(call: Call, baseUrl: string): string {
  const { method, path, name, body = {}, query, ownQuery, file, positional = [] } = call
  const called = (name ?? method.toLowerCase()).replace(/_([a-z])/g, (_, letter: string) =>
    letter.toUpperCase(),
  )
  const asked = Object.fromEntries([...given(query), ...given(ownQuery)])
  const args = (name ? positional : [path]).map((value) => JSON.stringify(value))
  const named = name ? { ...asked, ...body } : { query: asked }
  if (file !== undefined) {
    // what reads the file is no value of JSON
    const fields = nodeLiteral(body).slice(1)
    args.push(`{\n  file: fs.createReadStream(${JSON.stringify(file)}),${fields}`)
  } else if (Object.keys(named).length) args.push(nodeLiteral(named))
  return [
    ...(file === undefined ? [] : ['import fs from "node:fs";']),
    'import OpenAI from "openai";',
    '',
    '// the key comes from the environment: OPENAI_API_KEY',
    `const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)} });`,
    '',
    `const answer = await client.${called}(${args.join(', ')});`,
    'console.log(answer);',
    '',
  ].join('\n')
}

function nodeLiteral(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/^(\s*)"([A-Za-z_$][\w$]*)":/gm, '$1$2:')
}

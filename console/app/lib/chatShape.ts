/**
 * What a chat may call and what its answer has to look like, as typed text and as the request wants it.
 *
 * What is wrong is told with its place before anything is sent; what only a model's server can judge (a schema
 * that it does not support) is left to the server. Knows no React.
 */
import { type JsonFault, jsonFault } from './jsonFault'

export type Tool = {
  type: 'function'
  function: { name: string; description?: string; parameters?: Record<string, unknown>; strict?: boolean }
}
export type Format = 'text' | 'json_object' | 'json_schema'
/** As typed. `choice` is `auto`, `required`, `none`, or `=` and a function's name. */
export type Shape = { tools: string; choice: string; format: Format; schema: string }
export const NO_SHAPE: Shape = { tools: '', choice: 'auto', format: 'text', schema: '' }

export type ShapeCode =
  | 'notList'
  | 'notFunction'
  | 'flat'
  | 'noName'
  | 'badName'
  | 'twice'
  | 'notObject'
  | 'noSchema'
export type ShapeFault = { json: JsonFault } | { code: ShapeCode; place: string }

export type AskedShape = {
  tools?: Tool[]
  tool_choice?: 'required' | 'none' | { type: 'function'; function: { name: string } }
  response_format?:
    | { type: 'json_object' }
    | { type: 'json_schema'; json_schema: { name: string; schema: unknown; [key: string]: unknown } }
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/
type Loose = Record<string, unknown>
const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parsed(text: string): { value: unknown } | { fault: ShapeFault } {
  const json = jsonFault(text)
  return json ? { fault: { json } } : { value: JSON.parse(text) }
}

type Read<T> = { value: T | null; fault: ShapeFault | null }

/** The functions; nothing typed is none. One object alone is taken as a list of one. */
export function readTools(text: string): Read<Tool[]> {
  if (!text.trim()) return { value: [], fault: null }
  const found = parsed(text)
  if ('fault' in found) return { value: null, fault: found.fault }
  const list = isObject(found.value) ? [found.value] : found.value
  if (!Array.isArray(list)) return { value: null, fault: { code: 'notList', place: '' } }
  const names = new Set<unknown>()
  for (const [index, tool] of list.entries()) {
    const fault = toolFault(tool, `[${index}]`, names)
    if (fault) return { value: null, fault }
  }
  return { value: list as Tool[], fault: null }
}

function toolFault(tool: unknown, place: string, names: Set<unknown>): ShapeFault | null {
  if (!isObject(tool)) return { code: 'notObject', place }
  if (tool.type !== 'function') return { code: 'notFunction', place: `${place}.type` }
  if (!isObject(tool.function))
    return { code: 'name' in tool ? 'flat' : 'notObject', place: `${place}.function` }
  const { name, parameters } = tool.function
  const at = `${place}.function.name`
  if (typeof name !== 'string' || !name) return { code: 'noName', place: at }
  if (!NAME.test(name)) return { code: 'badName', place: at }
  if (names.has(name)) return { code: 'twice', place: at }
  names.add(name)
  if (parameters !== undefined && parameters !== null && !isObject(parameters))
    return { code: 'notObject', place: `${place}.function.parameters` }
  return null
}

type JsonSchema = { name: string; schema: unknown; [key: string]: unknown }

/** OpenAI's `json_schema`, the whole `response_format` around it, or a bare schema, which gets a name. */
export function readSchema(text: string): Read<JsonSchema> {
  if (!text.trim()) return { value: null, fault: { code: 'noSchema', place: '' } }
  const found = parsed(text)
  if ('fault' in found) return { value: null, fault: found.fault }
  const outer = found.value
  if (!isObject(outer)) return { value: null, fault: { code: 'notObject', place: '' } }
  const form = outer.type === 'json_schema' && isObject(outer.json_schema) ? outer.json_schema : outer
  const isForm = 'schema' in form && !('properties' in form)
  if (!isForm) return { value: { name: 'answer', schema: form }, fault: null }
  if (!isObject(form.schema)) return { value: null, fault: { code: 'notObject', place: 'schema' } }
  const name = form.name ?? 'answer'
  if (typeof name !== 'string' || !NAME.test(name))
    return { value: null, fault: { code: 'badName', place: 'name' } }
  return { value: { ...form, name, schema: form.schema }, fault: null }
}

/** What is wrong with what counts now: a schema that is not asked for may be unfinished. */
export function shapeFaults(shape: Shape): { tools: ShapeFault | null; schema: ShapeFault | null } {
  return {
    tools: readTools(shape.tools).fault,
    schema: shape.format === 'json_schema' ? readSchema(shape.schema).fault : null,
  }
}

/** As the request has it; what is faulty is left out. */
export function askedShape({ tools: typed, choice, format, schema }: Shape): AskedShape {
  const asked: AskedShape = {}
  const tools = readTools(typed).value
  if (tools?.length) {
    asked.tools = tools
    const name = choice.startsWith('=') ? choice.slice(1) : null
    if (name !== null && tools.some((tool) => tool.function.name === name))
      asked.tool_choice = { type: 'function', function: { name } }
    else if (choice === 'required' || choice === 'none') asked.tool_choice = choice
  }
  if (format === 'json_object') asked.response_format = { type: 'json_object' }
  const form = format === 'json_schema' ? readSchema(schema).value : null
  if (form) asked.response_format = { type: 'json_schema', json_schema: form }
  return asked
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** JSON as people read it: white space between tokens changes and nothing else. What is no JSON stays as it is. */
export function pretty(text: string): string {
  if (jsonFault(text)) return text
  const tokens = text.match(TOKENS) ?? []
  let depth = 0
  let shown = ''
  const line = () => `\n${'  '.repeat(depth)}`
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1]
    if (token === '{' || token === '[') {
      depth++
      shown += token + (next === '}' || next === ']' ? '' : line())
    } else if (token === '}' || token === ']') {
      depth--
      const before = tokens[index - 1]
      shown += (before === '{' || before === '[' ? '' : line()) + token
    } else if (token === ',') shown += token + line()
    else shown += token === ':' ? ': ' : token
  }
  return shown
}

export function isShape(value: unknown): value is Shape {
  const found = value as Shape | null
  return (
    typeof found?.tools === 'string' &&
    typeof found.choice === 'string' &&
    typeof found.schema === 'string' &&
    ['text', 'json_object', 'json_schema'].includes(found.format)
  )
}

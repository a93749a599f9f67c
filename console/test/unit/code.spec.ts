import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type Call, code } from '@/lib/code'

const call: Call = {
  method: 'POST',
  path: '/fine_tuning/jobs',
  name: 'fine_tuning.jobs.create',
  body: {
    model: 'nano',
    training_file: 'it\'s "quoted"\n: x',
    seed: 7,
    method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 'auto', beta: 0.1 } } },
    flags: [true, null],
  },
}
const base = 'http://127.0.0.1:8000/v1'

describe('a call as code', () => {
  it('never holds a key', () => {
    for (const language of ['json', 'python', 'node', 'curl'] as const) {
      expect(code(call, language, base)).not.toMatch(/sk-/)
    }
    expect(code(call, 'curl', base)).toContain('$OPENAI_API_KEY')
  })
  it('is the same request in Python', () => {
    const stand = `
class Asked:
    def __getattr__(self, name): return self
    def __call__(self, **asked):
        import json; print(json.dumps(asked)); return ""
def OpenAI(base_url): return Asked()
`
    const program = stand + code(call, 'python', base).replace(/^from openai.*$/m, '')
    expect(JSON.parse(execFileSync('python3', ['-c', program]).toString())).toEqual(call.body)
  })
  it('is the same request in Node', async () => {
    let asked: unknown
    const create = async (given: unknown) => {
      asked = given
    }
    const program = code(call, 'node', base)
      .replace(/^import.*$/m, '')
      .replaceAll('console.log', 'void ')
    const OpenAI = class {
      fineTuning = { jobs: { create } }
    }
    await new Function('OpenAI', `return (async () => {${program}})()`)(OpenAI)
    expect(asked).toEqual(call.body)
  })
  it('is the same request through a shell', () => {
    const shell = code(call, 'curl', base).replace(/^curl/, "printf '%s\\n'")
    const printed = execFileSync('sh', ['-c', shell]).toString()
    expect(JSON.parse(printed.slice(printed.indexOf('{')))).toEqual(call.body)
  })
  const listed: Call = {
    method: 'GET',
    path: '/files',
    name: 'files.list',
    query: { limit: 2, purpose: undefined },
    ownQuery: { q: 'a&b', include: 'report' },
  }
  it('asks with what the clients know, and with our own words beside it', () => {
    expect(code(listed, 'python', base)).toContain(
      'client.files.list(\n    limit=2,\n    extra_query={\n        "q": "a&b",\n        "include": "report",\n    },\n)',
    )
    expect(code(listed, 'node', base)).toContain(
      'client.files.list({\n  limit: 2,\n  q: "a&b",\n  include: "report"\n})',
    )
    expect(code(listed, 'curl', base)).toContain(`'${base}/files?limit=2&q=a%26b&include=report'`)
  })
  it('asks by its path for what the clients have no name for', () => {
    const usage: Call = { method: 'GET', path: '/organization/costs', query: { group_by: ['line_item'] } }
    expect(code(usage, 'python', base)).toContain(
      'client.get(\n    "/organization/costs",\n    cast_to=object,\n    options={\n        "params": {',
    )
    expect(code(usage, 'node', base)).toContain('client.get("/organization/costs", {\n  query: {')
    expect(code(usage, 'curl', base)).toContain('/costs?group_by=line_item')
  })
  it('sends a file as one', () => {
    const sent: Call = {
      method: 'POST',
      path: '/files',
      name: 'files.create',
      file: `it's "mine".jsonl`,
      body: { purpose: 'fine-tune' },
    }
    const shell = code(sent, 'curl', base).replace(/^curl/, "printf '%s\\n'")
    const printed = execFileSync('sh', ['-c', shell]).toString().split('\n')
    expect(printed).toContain('purpose=fine-tune')
    expect(printed).toContain('file=@"it\'s \\"mine\\".jsonl"')
    expect(code(sent, 'python', base)).toContain('file=open("it\'s \\"mine\\".jsonl", "rb")')
    expect(code(sent, 'node', base)).toContain('file: fs.createReadStream(')
  })
  it('names what stands in the path before the rest', () => {
    const retrieve: Call = {
      method: 'GET',
      path: '/x/1',
      name: 'fine_tuning.jobs.retrieve',
      positional: ['ftjob-1'],
    }
    expect(code(retrieve, 'node', base)).toContain('client.fineTuning.jobs.retrieve("ftjob-1")')
    expect(code(retrieve, 'curl', base)).not.toContain('-X')
  })
  it('asks a list for the same in every language', async () => {
    const list: Call = {
      method: 'GET',
      path: '/fine_tuning/jobs',
      name: 'fine_tuning.jobs.list',
      query: { limit: 50, metadata: { 'a b': 'c&"d' } },
      ownQuery: { status: 'queued,running', q: "it's" },
    }
    const shell = code(list, 'curl', base).replace(/^curl/, "printf '%s\\n'")
    const url = new URL(execFileSync('sh', ['-c', shell]).toString().split('\n')[0] ?? '')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      limit: '50',
      'metadata[a b]': 'c&"d',
      ...list.ownQuery,
    })

    const stand = `
class Asked:
    def __getattr__(self, name): return self
    def __call__(self, **asked):
        import json; print(json.dumps(asked)); return ""
def OpenAI(base_url): return Asked()
`
    const program = stand + code(list, 'python', base).replace(/^from openai.*$/m, '')
    expect(JSON.parse(execFileSync('python3', ['-c', program]).toString())).toEqual({
      ...list.query,
      extra_query: list.ownQuery,
    })
    expect(code(list, 'node', base)).toContain('client.fineTuning.jobs.list({\n  limit: 50,')
    expect(code(list, 'node', base)).toContain('status: "queued,running"')
  })
})

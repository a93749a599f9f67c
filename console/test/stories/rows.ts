/** Rows of training files of every kind that people bring. */
import { readFileSync } from 'node:fs'
import { sample } from './people'

export const jsonl = (rows: object[]) => `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`
const turn = (role: string, content: string, more: object = {}) => ({ role, content, ...more })

/** Two answers each, of which only the second is to be learned. */
export const weighted = (length: number) =>
  Array.from({ length }, (_, index) => ({
    messages: [
      turn('user', `Ask ${index}: what is it?`),
      turn('assistant', `A guess number ${index}.`, { weight: 0 }),
      turn('user', 'Are you sure?'),
      turn('assistant', `Yes, it is ${index % 7}.`, { weight: 1 }),
    ],
  }))

const GATE = {
  type: 'function',
  function: {
    name: 'gate',
    description: 'The gate of a flight',
    parameters: { type: 'object', properties: { flight: { type: 'string' } }, required: ['flight'] },
  },
}

/** A call of a tool, its result, and an answer in JSON. */
export const toolRows = (length: number) =>
  Array.from({ length }, (_, index) => ({
    tools: [GATE],
    messages: [
      turn('system', 'Answer in JSON.'),
      turn('user', `Where does LH${index} leave?`),
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: `c${index}`,
            type: 'function',
            function: { name: 'gate', arguments: `{"flight": "LH${index}"}` },
          },
        ],
      },
      turn('tool', `B${index}`, { tool_call_id: `c${index}` }),
      turn('assistant', `{"gate": "B${index}"}`),
    ],
  }))

/** An answer in JSON, preferred to a lazy one. */
export const preferences = (length: number) =>
  Array.from({ length }, (_, index) => ({
    input: { messages: [turn('user', `Where does LH${index} leave?`)] },
    preferred_output: [turn('assistant', `{"gate": "B${index}"}`)],
    non_preferred_output: [turn('assistant', 'No idea.')],
  }))

const PROSE = 'The quick brown fox jumps over the lazy dog and tells everybody what it has seen there. '

/** Several hundred tokens each. */
export const long = (length: number) =>
  Array.from({ length }, (_, index) => ({
    messages: [turn('user', `${index}`), turn('assistant', PROSE.repeat(30))],
  }))

/** The sample as prompts and completions. */
export const prompts = () =>
  readFileSync(sample('marv/train.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { messages: { content: string }[] }).messages)
    .map((messages) => ({ prompt: messages[1]?.content, completion: messages.at(-1)?.content }))

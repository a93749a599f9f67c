import { describe, expect, it } from 'vitest'
import { firstRunCode } from '@/lib/firstRun'

const origin = 'http://127.0.0.1:8000'

describe('the first run as a program', () => {
  it('never holds a key', () => {
    for (const language of ['python', 'node', 'curl'] as const)
      expect(firstRunCode(language, origin, 'nano')).not.toMatch(/sk-/)
  })
  it('makes the button’s four calls in Node', async () => {
    const asked: [string, unknown][] = []
    const told = (name: string, answer: unknown) => async (given: unknown) => {
      asked.push([name, given])
      return answer
    }
    const OpenAI = class {
      files = {
        create: async (given: { file: string }) => told('upload', { id: `file-${given.file}` })(given),
      }
      fineTuning = { jobs: { create: told('create', { id: 'ftjob-1' }), retrieve: told('retrieve', {}) } }
    }
    const program = firstRunCode('node', origin, 'nano')
      .replace(/^import.*$/m, '')
      .replace('console.log', 'void ')
    const toFile = async (address: string, name: string) => `${name} of ${address}`
    await new Function('OpenAI', 'toFile', 'fetch', `return (async () => {${program}})()`)(
      OpenAI,
      toFile,
      async (address: string) => address,
    )
    const files = ['train', 'valid'].map(
      (part) => `${part}.jsonl of ${origin}/console/samples/marv/${part}.jsonl`,
    )
    expect(asked).toEqual([
      ...files.map((file) => ['upload', { file, purpose: 'fine-tune' }]),
      [
        'create',
        {
          model: 'nano',
          training_file: `file-${files[0]}`,
          validation_file: `file-${files[1]}`,
          suffix: 'marv',
        },
      ],
      ['retrieve', 'ftjob-1'],
    ])
  })
})

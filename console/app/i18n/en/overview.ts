/** English: the overview and the first run. */
import { counted } from './counted'

export const overview = {
  title: 'Overview',
  running: 'On its way',
  nothingRuns: 'Nothing is training.',
  failed: 'Failed lately',
  finished: 'Newest models',
  noModels: 'No model has been tuned yet.',
  devices: 'Devices',
  memoryOf: (p: { device: string }) => `Memory in use on ${p.device}`,
  free: (p: { free: string; all: string }) => `${p.free} of ${p.all} free`,
  /** Over all projects. */
  queue: (p: { running: number; runningText: string; queued: number; queuedText: string }) => {
    const runs = p.running === 1 ? '1 job trains' : `${p.runningText} jobs train`
    const waits = p.queued === 1 ? '1 waits' : `${p.queuedText} wait`
    if (!p.queued)
      return p.running ? `On this server ${runs}, and none waits.` : 'No job trains or waits on this server.'
    return `On this server ${p.running ? runs : 'no job trains'}, and ${waits}.`
  },
  allJobs: 'All jobs',
  first: {
    title: 'Your own model in a few minutes',
    lead: (p: { rows: string; held: string; model: string }) =>
      `Marv answers correctly, and lets you feel it. ${counted(p.rows, 'example conversation')} and ${p.held} held-out ones turn ${p.model} into him, on this machine.`,
    start: 'Fine-tune the sample',
    own: 'Use your own data',
    uploading: 'Uploading the sample',
    creating: 'Creating the job',
    before: 'What is asked',
    after: 'What it learns to answer',
    code: 'The same from code',
    codeHint: 'Each step of the button is a public call. The key is read from OPENAI_API_KEY.',
    steps: [
      'Uploads the training and the validation file',
      'Creates the job on the smallest base',
      'Opens its page, where the curve grows',
    ],
  },
}

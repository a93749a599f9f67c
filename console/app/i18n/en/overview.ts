/** English: the overview and the first run. */

export const overview = {
  title: 'Overview',
  running: 'On its way',
  nothingRuns: 'Nothing is training.',
  failed: 'Failed lately',
  finished: 'Newest models',
  noModels: 'No model has been tuned yet.',
  allJobs: 'All jobs',
  first: {
    title: 'Your own model in a few minutes',
    lead: (p: { rows: string; held: string; model: string }) =>
      `Marv answers correctly, and lets you feel it. ${p.rows} example conversations and ${p.held} held-out ones turn ${p.model} into him, on this machine.`,
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

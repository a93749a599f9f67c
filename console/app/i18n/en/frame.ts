/** English: the frame, what all pages share, sign-in and settings. */
import { moment } from '@/lib/number'

export const frame = {
  product: 'Tunesmith',
  skip: 'Skip to the content',
  navigation: 'Main',
  help: 'Keyboard shortcuts',
  signOut: 'Sign out',
  account: 'Account',
  reconnecting: (p: { at: string }) => `Reconnecting; as of ${p.at}`,
  offline: 'The server does not answer. What you see may be old.',
  close: 'Close',
  trail: 'You are here',
}

export const places = {
  overview: 'Overview',
  jobs: 'Fine-tuning',
  datasets: 'Datasets',
  models: 'Models',
  playground: 'Playground',
  keys: 'API keys',
  usage: 'Usage',
  settings: 'Settings',
}

export const shared = {
  loading: 'Loading',
  retry: 'Try again',
  copy: 'Copy',
  copyThis: (p: { what: string }) => `Copy ${p.what}`,
  copied: 'Copied',
  cancel: 'Cancel',
  underWay: 'It is under way, and cannot be called back.',
  save: 'Save',
  remove: 'Remove',
  download: 'Download',
  more: 'More',
  none: 'None',
  older: 'Older',
  newer: 'Newer',
  noOlder: 'There are no older ones.',
  noNewer: 'There are no newer ones.',
  pages: 'Pages',
  search: 'Search',
  requestId: (p: { id: string }) => `Request ${p.id}`,
  noSuchPage: 'There is no such page',
  toOverview: 'Go to the overview',
  pageFailed: 'This page could not be shown',
  viewCode: 'View code',
  codeKey: 'The key is read from OPENAI_API_KEY; it is never part of the code.',
  codeLanguage: 'Language of the code',
  noMatch: 'Nothing matches',
  at: (p: { unixS: number }) => moment(p.unixS),
  dismiss: 'Dismiss',
}

export const errors = {
  unexpected: 'Something went wrong in this page.',
  offline: 'The server does not answer.',
  signIn: 'The server does not accept this key.',
  forbidden: 'This key may not do that.',
  notFound: 'There is no such thing in this project.',
  tooMany: 'Too many requests; it will be tried again in a moment.',
  server: 'The server had a problem.',
  refused: 'The server refused this.',
  byCode: {
    invalid_api_key: 'The server does not accept this key.',
    model_not_found: 'There is no such model.',
    file_not_found: 'The file is no longer there.',
    rate_limit_exceeded: 'Too many requests; try again in a moment.',
    invalid_job_state: 'The job is no longer in that state.',
    storage_full: 'The server’s disk is full.',
    store_busy: 'The server is busy; try again in a moment.',
    invalid_file_format: 'The training data has faults.',
    invalid_n_examples: 'There is too little training data.',
    training_diverged: 'The loss ran away: it became infinite or not a number.',
    out_of_memory: 'The device has too little memory for this batch.',
    model_not_available: 'The weights of the model could not be loaded.',
    stream_cut: 'The answer broke off before its end.',
    insufficient_permissions: 'This key may not do that.',
    invalid_login_code:
      'This sign-in link has been used, or is older than ten minutes. Restart the server for a new one, or use a key.',
  },
}

export const login = {
  title: 'Sign in',
  lead: 'Use an API key of this server. The first one was printed when the server started for the first time.',
  key: 'API key',
  keyHint: 'Begins with sk-',
  remember: 'Remember on this device',
  rememberHint: 'Otherwise the key is forgotten with this tab. Leave it off on a shared computer.',
  submit: 'Sign in',
  checking: 'Checking',
  missing: 'Paste your key here.',
  strange:
    'A key has plain letters, digits, - and _. Where it is shown with “…” it is cut: paste the whole key.',
  show: 'Show the key',
  unencrypted: 'This connection is not encrypted: others on the network could read the key. Use HTTPS.',
  lost: 'Lost the key? On the server, start Tunesmith with TUNESMITH_API_KEY set to a new one.',
}

export const settings = {
  title: 'Settings',
  lead: 'These stay in this browser.',
  appearance: 'Appearance',
  theme: 'Theme',
  themes: { system: 'Like the system', light: 'Light', dark: 'Dark' },
  language: 'Language',
  languageAuto: 'Like the browser',
  keyboard: 'Keyboard',
  shortcuts: 'Single-letter shortcuts',
  shortcutsHint: 'Turn these off if you use speech input or a screen reader that needs the letters.',
  showShortcuts: 'Show all shortcuts',
  key: 'API key',
  keyHere: 'Your key is kept in this tab only and is forgotten when you close it.',
  keyKept: 'Your key is remembered on this device.',
  forgetKey: 'Stop remembering it',
  server: 'Server',
  address: 'Address for clients',
}

export const shortcuts = {
  title: 'Keyboard shortcuts',
  off: 'Single-letter shortcuts are turned off in Settings.',
  anywhere: 'Anywhere',
  goTo: (p: { place: string }) => `Go to ${p.place}`,
  help: 'This help',
  search: 'Search on this page',
  create: 'Create a fine-tuning job',
  escape: 'Close what is open',
  lists: 'In a list',
  rows: 'Row up and down',
  open: 'Open the row',
  tick: 'Tick the row to compare',
  chart: 'On a chart',
  point: 'One point; with Shift, ten',
  ends: 'First and last point',
  zoom: 'Zoom in, out, all',
  log: 'Logarithmic scale',
  table: 'Show as a table',
  create_: 'In the create dialog',
  send: 'Create the job',
}

/** What a reason tells besides the state: the step at which the job is paused; how long ago it ended. */
export type StateFacts = { step: string | null; ended: string }

export const states = {
  names: {
    validating_files: 'Validating',
    queued: 'Queued',
    running: 'Running',
    paused: 'Paused',
    succeeded: 'Succeeded',
    failed: 'Failed',
    cancelled: 'Cancelled',
  },
  whyNot: {
    pause: {
      validating_files: 'Its files are still being checked; it can be paused once it is queued.',
      queued: '',
      running: '',
      paused: ({ step }: StateFacts) =>
        step ? `Already paused at step ${step}.` : 'Already paused before its first step.',
      succeeded: ({ ended }: StateFacts) => `Finished ${ended}.`,
      failed: ({ ended }: StateFacts) => `Failed ${ended}.`,
      cancelled: ({ ended }: StateFacts) => `Cancelled ${ended}.`,
    },
    resume: {
      validating_files: 'It is not paused.',
      queued: 'It is not paused; it waits for a device.',
      running: 'It is not paused.',
      paused: '',
      succeeded: ({ ended }: StateFacts) => `Finished ${ended}.`,
      failed: ({ ended }: StateFacts) => `Failed ${ended}; duplicate it to train again.`,
      cancelled: ({ ended }: StateFacts) => `Cancelled ${ended}; duplicate it to train again.`,
    },
    cancel: {
      validating_files: '',
      queued: '',
      running: '',
      paused: '',
      succeeded: ({ ended }: StateFacts) => `Finished ${ended}.`,
      failed: ({ ended }: StateFacts) => `Already failed ${ended}.`,
      cancelled: ({ ended }: StateFacts) => `Already cancelled ${ended}.`,
    },
  },
}

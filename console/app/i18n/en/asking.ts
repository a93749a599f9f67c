/** English: what the playground asks for beside words, and what it does with answers. */
import { counted, isOne } from './counted'

export const asking = {
  shape: {
    title: 'Tools and answer format',
    tools: 'Tools',
    noTools: 'No tools: the model answers in words.',
    addTools: 'Add tools',
    editTools: 'Edit tools',
    toolsHint:
      'OpenAI’s tools: a JSON array of functions, each with a name, a description and a JSON schema.',
    choice: 'Tool choice',
    choices: { auto: 'It may call', required: 'It must call one', none: 'It may not call' },
    named: (p: { name: string }) => `It must call ${p.name}`,
    format: 'Answer format',
    formats: { text: 'Text', json_object: 'JSON', json_schema: 'Schema' },
    jsonHint: 'Any JSON object. One of the messages has to say the word JSON.',
    schema: 'JSON schema',
    editSchema: 'Edit schema',
    addSchema: 'Add a schema',
    schemaHint: 'OpenAI’s json_schema (name, strict, schema), or a bare schema.',
    example: 'Insert an example',
    tidy: 'Tidy up',
    empty: 'Empty it',
    done: 'Done',
    goThere: 'Go there',
    functions: (p: { count: number }) => (p.count === 1 ? '1 function' : `${p.count} functions`),
    schemaNamed: (p: { name: string }) => `Schema ${p.name}`,
    notJson: (p: { line: string; column: string }) => `No JSON: line ${p.line}, column ${p.column}`,
    unfinished: 'No JSON yet: the text ends too early',
    faults: {
      notList: 'Tools are a list, in square brackets',
      notFunction: 'type must be "function", the only kind there is',
      flat: 'name, description and parameters belong inside "function": { }',
      noName: 'a function needs a name',
      badName: 'a name has letters, digits, _ and -, 64 at most',
      twice: 'another function has this name already',
      notObject: 'this must be an object, in curly brackets',
      noSchema: 'There is no schema yet',
    },
    wrongTools: 'The tools are not right yet: see “Tools and answer format”.',
    wrongSchema: 'The schema is not right yet: see “Tools and answer format”.',
  },
  call: {
    of: (p: { name: string }) => `Calls ${p.name}`,
    resultOf: (p: { name: string }) => `Result of ${p.name}`,
    placeholder: 'What your function gave back, as text or JSON',
    send: 'Send results',
    missing: 'Fill in what each call gave back first.',
  },
  spread: {
    ask: (p: { who: string }) => `Ask five times: ${p.who}`,
    title: (p: { count: string }) => `The same prompt, ${counted(p.count, 'time')}`,
    progress: (p: { done: string; all: string }) => `${p.done} of ${p.all} answered`,
    distinct: (p: { distinct: number; all: string }) =>
      isOne(p.all)
        ? 'One answer came.'
        : p.distinct === 1
          ? `All ${p.all} answers are the same.`
          : `${p.distinct} different ones in ${p.all} answers.`,
    times: (p: { count: string; all: string }) => `${p.count} of ${p.all}`,
    seeds: (p: { seeds: string; count: number }) => (p.count === 1 ? `seed ${p.seeds}` : `seeds ${p.seeds}`),
    empty: 'nothing',
    changed: 'The prompt or the parameters have changed since.',
    greedy: 'At temperature 0 the model always takes the most likely word.',
    stop: 'Stop',
    again: 'Ask again',
    close: 'Close',
    stopped: 'Stopped.',
  },
  differences: {
    label: 'Differences',
    same: 'Word for word the same.',
    atOnce: 'They part at the first word.',
    after: (p: { count: string; first: number }) =>
      p.first === 1
        ? 'The first word is the same, then they part.'
        : `The first ${p.count} words are the same, then they part.`,
    measure: 'Marked: what is not shared with the first answer; in the first, what another one lacks.',
  },
  goOn: {
    label: 'Continue',
    this: (p: { who: string }) => `Continue: ${p.who}`,
    continued: 'continued',
    continuedHint: 'Tokens and times are those of the last part.',
    form: 'JSON whose form is enforced begins anew: answer again.',
    other: (p: { model: string }) => `${p.model} wrote this. Answer again to ask the chosen model.`,
  },
  link: {
    copy: 'Copy link with prompt',
    nothing: 'Write something first.',
    copied: 'Link copied, with the prompt and the tools in the part that is never sent to a server.',
    tooLong: (p: { chars: string; most: string }) =>
      `Too long for a link: ${counted(p.chars, 'character')}, and mail and chat programs cut those above ${p.most}. “View code” holds it whole.`,
    arrived: 'The link brings a prompt, and there is a conversation here already.',
    replace: 'Replace what is here',
    keep: 'Keep what is here',
    broken: 'The prompt in this link cannot be read. The link may have been cut.',
    filled: 'Filled in from the link. Nothing has been sent yet.',
  },
  tooLong: {
    by: (p: { over: string; tokens: string; most: string }) =>
      `Too long by ${counted(p.over, 'token')}: the messages have ${p.tokens}, and the model reads ${p.most}.`,
    byAtLeast: (p: { over: string; tokens: string; most: string }) =>
      `Too long by ${counted(p.over, 'token')} or more: the messages have at least ${p.tokens}, and the model reads ${p.most}.`,
    turn: (p: { turn: string; role: string; share: string }) =>
      `${p.share} of the text is in turn ${p.turn} (${p.role}).`,
    system: (p: { share: string }) => `${p.share} of the text is in the system prompt.`,
    tools: (p: { share: string }) => `${p.share} of the text is in the tools.`,
  },
}

/** English: what the server says by code: why a value is what it is, and what is worth a second look. */
import { counted, isOne } from './counted'

export const reasons = {
  values: {
    as_asked: () => 'as asked',
    small_base_batch: () => 'suits a base with fewer than 50 million parameters.',
    share_of_rows: (p) => `about 0.2 % of ${p.n_examples} rows, at least 1 and at most 256.`,
    small_base_preferences: () =>
      'for preferences on a base with fewer than 50 million parameters; a third epoch makes replies run on.',
    small_base_rows: (p) =>
      `${p.rows} divided by ${p.n_examples} rows, from 3 to 20: a base with fewer than 50 million parameters needs about 200 steps of 4 to take on something new.`,
    few_rows: (p) => `so that your ${p.n_examples} rows are seen about 100 times in all, at most 25 epochs.`,
    many_rows: (p) => `so that your ${p.n_examples} rows are seen at most 25,000 times in all.`,
    usual: (p) => `3 epochs are usual for ${p.n_examples} rows.`,
    rate_small_base_preferences: (p) =>
      `${p.rate}: measured for preferences on bases with fewer than 50 million parameters${p.times}.`,
    rate_small_base_few_rows: (p) =>
      `${p.rate}: measured for up to 100 rows on bases with fewer than 50 million parameters${p.times}.`,
    rate_small_base_many_rows: (p) =>
      `${p.rate}: for more than 200 rows on bases with fewer than 50 million parameters${p.times}.`,
    rate_small_base_between: (p) =>
      `${p.rate}: for ${p.n_examples} rows, between the rates for 100 and for 200 rows${p.times}.`,
    rate_by_width: (p) =>
      `${p.rate}: 5e-5 × 10 for LoRA, scaled to the width ${p.hidden_size} of ${p.model_type}${p.n_steps ? `, × 1.5 for a run of ${p.n_steps} steps` : ''}${p.method ? ', a tenth of it for preferences' : ''}${p.times}.`,
    times_base_rate: (p) => `1 times the base rate of ${p.rate}.`,
    paper: () => 'the value of the DPO paper’s experiments.',
  } as Record<string, (p: Record<string, string>) => string>,
  /** What a rate is multiplied by, at the end of its sentence. */
  times: (p: { multiplier: string }) => `, times ${p.multiplier} as asked`,
  files: { training_file: 'training file', validation_file: 'validation file' } as Record<string, string>,
  warnings: {
    warnings: (p) => `The ${p.file} has ${counted(p.n ?? '', 'warning')}`,
    truncated: (p) =>
      `${counted(p.n ?? '', 'row')} of the ${p.file} (${p.share}) will be cut at ${counted(p.context_length ?? '', 'token')}`,
    no_target_tokens: (p) =>
      `${counted(p.n ?? '', 'row')} of the ${p.file} will be left out: nothing in ${isOne(p.n ?? '') ? 'it' : 'them'} is trained on`,
    shared_rows: (p) =>
      `Validation shares ${counted(p.n ?? '', 'row')} with the training file (${p.share} of it), so its loss says less than it seems`,
  } as Record<string, (p: Record<string, string>) => string>,
}

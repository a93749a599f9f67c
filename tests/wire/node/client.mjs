// What all stories share: the unmodified client, as `openai` documents it, pointed at the server under test.
import OpenAI from 'openai';

// OPENAI_BASE_URL and OPENAI_API_KEY come from the environment, as in any program.
export const client = new OpenAI({ maxRetries: 0, timeout: 110_000 });
export const baseUrl = process.env.OPENAI_BASE_URL;
export const tunedModel = process.env.TUNED_MODEL;
export const trainingFile = process.env.TRAINING_FILE;

export async function collect(pages, limit = 1000) {
  const rows = [];
  for await (const row of pages) {
    rows.push(row);
    if (rows.length >= limit) break;
  }
  return rows;
}

export const weather = {
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Oslo', 'Rome'] } },
    required: ['city'],
    additionalProperties: false,
  },
};

/** What a first tool and a first schema look like. */

export const TOOLS_EXAMPLE = JSON.stringify(
  [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather of a city, now.',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string', description: 'A city and its country' } },
          required: ['city'],
          additionalProperties: false,
        },
      },
    },
  ],
  null,
  2,
)

export const SCHEMA_EXAMPLE = JSON.stringify(
  {
    name: 'place',
    strict: true,
    schema: {
      type: 'object',
      properties: { city: { type: 'string' }, country: { type: 'string' } },
      required: ['city', 'country'],
      additionalProperties: false,
    },
  },
  null,
  2,
)

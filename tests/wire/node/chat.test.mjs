// Chat: whole, streamed, broken off, with tools and with a schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, tunedModel, weather } from './client.mjs';

const messages = [{ role: 'user', content: 'Say red.' }];
const asked = { model: tunedModel, messages, max_completion_tokens: 8, temperature: 0 };

test('an answer comes whole, with its request id', async () => {
  const { data, response, request_id } = await client.chat.completions.create(asked).withResponse();
  assert.equal(data.object, 'chat.completion');
  assert.equal(data.model, tunedModel);
  assert.equal(data.choices[0].message.role, 'assistant');
  assert.ok(data.usage.total_tokens === data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.match(request_id, /^req_/);
  assert.equal(data._request_id, request_id);
  assert.ok(Number(response.headers.get('openai-processing-ms')) >= 0);
});

test('a stream says what the whole answer says', async () => {
  const whole = await client.chat.completions.create(asked);
  let text = '';
  let usage;
  let finish;
  const options = { stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create({ ...asked, ...options })) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    if (chunk.choices.length) {
      text += chunk.choices[0].delta.content ?? '';
      finish = chunk.choices[0].finish_reason ?? finish;
    } else usage = chunk.usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(finish, whole.choices[0].finish_reason);
  assert.equal(usage.total_tokens, whole.usage.total_tokens);
});

test("the client's own stream helper puts the answer together", async () => {
  const deltas = [];
  const stream = client.chat.completions.stream(asked).on('content', (delta) => deltas.push(delta));
  const final = await stream.finalChatCompletion();
  assert.equal(deltas.join(''), final.choices[0].message.content);
  assert.equal(final.object, 'chat.completion');
});

test('a stream that is broken off ends on both sides', async () => {
  const stream = await client.chat.completions.create({ ...asked, max_completion_tokens: 400, stream: true });
  for await (const _ of stream) break;
  assert.ok(stream.controller.signal.aborted);
  assert.equal((await client.chat.completions.create(asked)).object, 'chat.completion');
});

test('a forced tool call streams its arguments in pieces that make valid JSON', async () => {
  const stream = client.chat.completions.stream({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'What is the weather in Rome?' }],
    tools: [{ type: 'function', function: weather }],
    tool_choice: { type: 'function', function: { name: 'get_weather' } },
    max_completion_tokens: 200,
  });
  const final = await stream.finalChatCompletion();
  const [call] = final.choices[0].message.tool_calls;
  assert.equal(call.function.name, 'get_weather');
  assert.match(call.id, /^call_/);
  assert.ok(['Oslo', 'Rome'].includes(JSON.parse(call.function.arguments).city), call.function.arguments);
});

test('runTools calls the function and brings its result back', async () => {
  const called = [];
  const runner = client.chat.completions.runTools(
    {
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'What is the weather in Rome?' }],
      tools: [
        {
          type: 'function',
          function: {
            ...weather,
            parse: JSON.parse,
            function: ({ city }) => {
              called.push(city);
              return 'sunny';
            },
          },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      max_completion_tokens: 200,
    },
    { maxChatCompletions: 2 },
  );
  await runner.done();
  assert.equal(called.length, 1);
  const roles = runner.messages.map((message) => message.role);
  assert.deepEqual(roles.slice(0, 3), ['user', 'assistant', 'tool']);
});

test('parse gives the object that a JSON schema describes', async () => {
  const completion = await client.chat.completions.parse({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Which colour has grass?' }],
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'colour',
        strict: true,
        schema: {
          type: 'object',
          properties: { colour: { type: 'string', enum: ['green', 'red'] } },
          required: ['colour'],
          additionalProperties: false,
        },
      },
    },
    max_completion_tokens: 100,
  });
  const { content } = completion.choices[0].message;
  assert.ok(['green', 'red'].includes(JSON.parse(content).colour), content);
});

test('legacy completions answer, whole and streamed', async () => {
  const plain = { model: 'nano', prompt: 'Once upon', max_tokens: 5, temperature: 0 };
  const whole = await client.completions.create(plain);
  let text = '';
  for await (const chunk of await client.completions.create({ ...plain, stream: true }))
    text += chunk.choices[0]?.text ?? '';
  assert.equal(text, whole.choices[0].text);
});

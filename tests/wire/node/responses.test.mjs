// Responses: streamed, stored, continued, with a function.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, collect, tunedModel, weather } from './client.mjs';

const asked = { model: tunedModel, input: 'Say red.', max_output_tokens: 24, temperature: 0 };

test('a stream numbers its events and ends with the whole response', async () => {
  const events = [];
  for await (const event of await client.responses.create({ ...asked, stream: true })) events.push(event);
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, at) => at));
  assert.equal(events[0].type, 'response.created');
  const last = events.at(-1);
  assert.ok(['response.completed', 'response.incomplete'].includes(last.type));
  const text = events
    .filter((event) => event.type === 'response.output_text.delta')
    .map((event) => event.delta)
    .join('');
  const said = last.response.output
    .flatMap((item) => item.content ?? [])
    .map((part) => part.text)
    .join('');
  assert.equal(text, said);
});

test("the client's own stream helper agrees with the plain answer", async () => {
  const stream = client.responses.stream(asked);
  const deltas = [];
  stream.on('response.output_text.delta', (event) => deltas.push(event.delta));
  const final = await stream.finalResponse();
  assert.equal(deltas.join(''), final.output_text);
  assert.equal((await client.responses.create(asked)).output_text, final.output_text);
});

test('a response is kept, continued and deleted', async () => {
  const first = await client.responses.create(asked);
  assert.equal((await client.responses.retrieve(first.id)).output_text, first.output_text);
  const second = await client.responses.create({ ...asked, previous_response_id: first.id });
  assert.equal(second.previous_response_id, first.id);
  assert.ok(second.usage.input_tokens > first.usage.input_tokens);
  const items = await collect(client.responses.inputItems.list(first.id));
  assert.equal(items[0].role, 'user');
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), { status: 404 });
});

test('a function call and its output go round', async () => {
  const tools = [{ type: 'function', strict: true, ...weather }];
  const model = 'gpt-4o-mini';
  const first = await client.responses.create({
    model,
    input: 'What is the weather in Rome?',
    tools,
    tool_choice: { type: 'function', name: 'get_weather' },
    max_output_tokens: 200,
  });
  const call = first.output.find((item) => item.type === 'function_call');
  assert.ok(['Oslo', 'Rome'].includes(JSON.parse(call.arguments).city), call.arguments);
  const second = await client.responses.create({
    model,
    previous_response_id: first.id,
    tools,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
    max_output_tokens: 24,
  });
  assert.ok(second.output.length >= 1);
});

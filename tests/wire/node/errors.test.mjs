// Each refusal is the class that the client has for its status, and no permanent one is asked twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, tunedModel } from './client.mjs';

const messages = [{ role: 'user', content: 'hi' }];

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail('nothing was refused');
}

test('errors have the classes of their statuses, with code, param, type and request id', async () => {
  const stranger = new OpenAI({ apiKey: 'sk-wrong', maxRetries: 0 });
  const chat = (body) => client.chat.completions.create({ model: tunedModel, messages, ...body });
  for (const [ask, type, code, param] of [
    [() => stranger.models.list(), OpenAI.AuthenticationError, 'invalid_api_key', null],
    [() => client.models.retrieve('no-such-model'), OpenAI.NotFoundError, 'model_not_found', 'model'],
    [() => chat({ model: 'no-such-model' }), OpenAI.NotFoundError, 'model_not_found', 'model'],
    [() => chat({ messages: [] }), OpenAI.BadRequestError, 'empty_array', 'messages'],
    [() => chat({ temperature: 3 }), OpenAI.BadRequestError, undefined, 'temperature'],
    [() => client.fineTuning.jobs.retrieve('ftjob-absent'), OpenAI.NotFoundError, 'fine_tune_not_found', 'fine_tuning_job_id'],
    [() => client.models.delete('nano'), OpenAI.PermissionDeniedError, undefined, 'model'],
  ]) {
    const error = await refusal(ask());
    assert.ok(error instanceof type, `${error}`);
    assert.equal(error.param, param, `${error}`);
    if (code) assert.equal(error.code, code);
    assert.equal(error.type, 'invalid_request_error');
    assert.match(error.requestID, /^req_/);
  }
});

test('a refused stream is an error before it begins', async () => {
  const asked = { model: 'no-such-model', messages, stream: true };
  assert.ok((await refusal(client.chat.completions.create(asked))) instanceof OpenAI.NotFoundError);
});

test('a permanent refusal is asked once, whatever retries are allowed', async () => {
  let asked = 0;
  const patient = new OpenAI({
    maxRetries: 3,
    fetch: (...args) => {
      asked += 1;
      return fetch(...args);
    },
  });
  await refusal(patient.chat.completions.create({ model: tunedModel, messages, n: 0 }));
  await refusal(patient.fineTuning.jobs.cancel('ftjob-absent'));
  assert.equal(asked, 2);
});

test('an unknown route is an error in the same shape', async () => {
  const error = await refusal(client.post('/no/such/route', { body: {} }));
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.match(error.message, /Invalid URL/);
});

// An endpoint is made, tested, and its events are unwrapped by the client.
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, collect } from './client.mjs';

test('an event is what unwrap takes, and a foreign one is refused', async () => {
  const came = [];
  const receiver = http.createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    came.push({ headers: request.headers, body: Buffer.concat(pieces).toString() });
    response.writeHead(204).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  try {
    const endpoint = await client.webhooks.create({
      name: 'node',
      url: `http://127.0.0.1:${receiver.address().port}/`,
      event_types: ['fine_tuning.job.succeeded'],
    });
    const sent = await client.webhooks.test(endpoint.id, { event_type: 'fine_tuning.job.succeeded' });
    assert.equal(sent.status_code, 204);
    const secret = endpoint.signing_secret;
    const event = await client.webhooks.unwrap(came[0].body, came[0].headers, secret);
    assert.equal(event.type, 'fine_tuning.job.succeeded');
    await assert.rejects(
      client.webhooks.unwrap(`${came[0].body} `, came[0].headers, secret),
      OpenAI.InvalidWebhookSignatureError,
    );
    const rotated = await client.webhooks.rotateSecret(endpoint.id);
    assert.notEqual(rotated.signing_secret, secret);
    const all = await collect(client.webhooks.list());
    assert.ok(all.some((row) => row.id === endpoint.id));
    assert.equal((await client.webhooks.delete(endpoint.id)).deleted, true);
  } finally {
    receiver.close();
  }
});

// Embeddings: the client asks for base64 by itself, and gives numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client } from './client.mjs';

const model = 'text-embedding-3-small';

test('embeddings come as numbers, the same in both encodings', async () => {
  const input = ['one', 'two'];
  const usual = await client.embeddings.create({ model, input });
  const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
  assert.deepEqual(usual.data.map((row) => row.index), [0, 1]);
  assert.ok(usual.data[0].embedding.length > 1);
  usual.data.forEach((row, at) =>
    row.embedding.forEach((value, i) =>
      assert.ok(Math.abs(value - floats.data[at].embedding[i]) < 1e-6)),
  );
  assert.ok(usual.usage.prompt_tokens > 0);
});

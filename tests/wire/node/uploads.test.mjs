// A file in parts, put together in the order that the client names.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { test } from 'node:test';
import { toFile } from 'openai';
import { client, trainingFile } from './client.mjs';

test('parts become the file, and a wrong sum is refused', async () => {
  const bytes = fs.readFileSync(trainingFile);
  const begin = () =>
    client.uploads.create({
      filename: 'parts.jsonl',
      purpose: 'fine-tune',
      bytes: bytes.length,
      mime_type: 'application/jsonl',
    });
  const upload = await begin();
  assert.equal(upload.status, 'pending');
  const part = async (piece) =>
    (await client.uploads.parts.create(upload.id, { data: await toFile(piece, 'piece') })).id;
  const second = await part(bytes.subarray(100));
  const first = await part(bytes.subarray(0, 100));
  const part_ids = [first, second];
  await assert.rejects(client.uploads.complete(upload.id, { part_ids, md5: '0'.repeat(32) }), { status: 400 });
  const md5 = crypto.createHash('md5').update(bytes).digest('hex');
  const done = await client.uploads.complete(upload.id, { part_ids, md5 });
  assert.equal(done.status, 'completed');
  const content = Buffer.from(await (await client.files.content(done.file.id)).arrayBuffer());
  assert.ok(content.equals(bytes));
  assert.equal((await client.uploads.cancel((await begin()).id)).status, 'cancelled');
});

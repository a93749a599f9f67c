// A file becomes a model: upload, job, events, checkpoints, an answer.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { toFile } from 'openai';
import { client, collect, trainingFile, tunedModel } from './client.mjs';

const ended = new Set(['succeeded', 'failed', 'cancelled']);

async function poll(id) {
  for (;;) {
    const job = await client.fineTuning.jobs.retrieve(id);
    if (ended.has(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('a stream from the disk is uploaded, read back and deleted', async () => {
  const file = await client.files.create({ file: fs.createReadStream(trainingFile), purpose: 'fine-tune' });
  assert.equal(file.filename, 'colours.jsonl');
  assert.equal(file.bytes, fs.statSync(trainingFile).size);
  assert.equal((await client.files.waitForProcessing(file.id)).status, 'processed');
  const content = await client.files.content(file.id);
  assert.equal(await content.text(), fs.readFileSync(trainingFile, 'utf8'));
  const listed = await collect(client.files.list({ purpose: 'fine-tune', limit: 2 }));
  assert.ok(listed.some((row) => row.id === file.id));
  assert.deepEqual(await client.files.delete(file.id), { id: file.id, object: 'file', deleted: true });
});

test('bytes from memory are uploaded with the name that they are given', async () => {
  const file = await client.files.create({
    file: await toFile(Buffer.from(fs.readFileSync(trainingFile)), 'färben.jsonl'),
    purpose: 'fine-tune',
  });
  assert.equal(file.filename, 'färben.jsonl');
  await client.files.delete(file.id);
});

test('a job tells its story and leaves a model that answers', async () => {
  const file = await client.files.create({ file: fs.createReadStream(trainingFile), purpose: 'fine-tune' });
  const job = await client.fineTuning.jobs.create({
    model: 'gpt-4o-mini',
    training_file: file.id,
    suffix: 'node',
    metadata: { from: 'node' },
    method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 1, batch_size: 5 } } },
  });
  assert.equal(job.status, 'validating_files');
  const done = await poll(job.id);
  assert.equal(done.status, 'succeeded', JSON.stringify(done.error));
  assert.match(done.fine_tuned_model, /^ft:gpt-4o-mini-2024-07-18:personal:node:/);

  const events = await collect(client.fineTuning.jobs.listEvents(job.id, { limit: 2 }));
  assert.equal(events.at(-1).message, `Created fine-tuning job: ${job.id}`);
  assert.equal(events[0].message, 'The job has successfully completed');
  const checkpoints = await collect(client.fineTuning.jobs.checkpoints.list(job.id));
  assert.equal(checkpoints.length, 1);
  const jobs = await collect(client.fineTuning.jobs.list({ metadata: { from: 'node' } }));
  assert.deepEqual(jobs.map((row) => row.id), [job.id]);

  const answer = await client.chat.completions.create({
    model: done.fine_tuned_model,
    messages: [{ role: 'user', content: 'Say red.' }],
    max_tokens: 4,
  });
  assert.equal(answer.model, done.fine_tuned_model);
  assert.equal((await client.models.retrieve(done.fine_tuned_model)).id, done.fine_tuned_model);
  assert.equal((await client.models.delete(done.fine_tuned_model)).deleted, true);
});

test('a job can be cancelled, once', async () => {
  const file = await client.files.create({ file: fs.createReadStream(trainingFile), purpose: 'fine-tune' });
  const job = await client.fineTuning.jobs.create({ model: 'nano', training_file: file.id });
  assert.equal((await client.fineTuning.jobs.cancel(job.id)).status, 'cancelled');
  await assert.rejects(client.fineTuning.jobs.cancel(job.id), { status: 400, code: 'invalid_job_state' });
});

test('tuned models are listed among the models', async () => {
  const names = (await collect(client.models.list())).map((model) => model.id);
  assert.ok(names.includes(tunedModel) && names.includes('gpt-4o-mini'));
});

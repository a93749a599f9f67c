/** The first run as a program: the same calls as the button's, for whoever prefers to type. */
import type { Language } from './code'

export function firstRunCode(language: Exclude<Language, 'json'>, origin: string, model: string): string {
  const data = `${origin}/console/samples/marv`
  const base = `${origin}/v1`
  if (language === 'curl') {
    return `curl -sO ${data}/train.jsonl
curl ${base}/files \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -F purpose=fine-tune -F file=@train.jsonl
# with the id of the answer:
curl ${base}/fine_tuning/jobs \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "training_file": "file-...", "suffix": "marv"}'
`
  }
  if (language === 'node') {
    return `import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: "${base}" });
const rows = await fetch("${data}/train.jsonl");
const file = await client.files.create({
  file: await toFile(rows, "train.jsonl"),
  purpose: "fine-tune",
});
const job = await client.fineTuning.jobs.create({
  model: "${model}",
  training_file: file.id,
  suffix: "marv",
});
console.log(job.id);
`
  }
  return `from urllib.request import urlopen

from openai import OpenAI

client = OpenAI(base_url="${base}")
rows = urlopen("${data}/train.jsonl").read()
file = client.files.create(file=("train.jsonl", rows), purpose="fine-tune")
job = client.fine_tuning.jobs.create(
    model="${model}",
    training_file=file.id,
    suffix="marv",
)
print(job.id)
`
}

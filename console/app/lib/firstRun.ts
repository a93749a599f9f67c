/** The first run as a program: the same calls as the button's, for whoever prefers to type. */
import type { Language } from './code'

export function firstRunCode(language: Exclude<Language, 'json'>, origin: string, model: string): string {
  const data = `${origin}/console/samples/marv`
  const base = `${origin}/v1`
  if (language === 'curl') {
    return `upload() {
  curl -sO ${data}/$1
  curl -s ${base}/files \\
    -H "Authorization: Bearer $OPENAI_API_KEY" \\
    -F purpose=fine-tune -F file=@$1 | idOf file
}
idOf() { grep -o "\\"$1-[^\\"]*" | head -1 | tr -d '"'; }

train=$(upload train.jsonl)
valid=$(upload valid.jsonl)
job=$(curl -s ${base}/fine_tuning/jobs \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d "{\\"model\\": \\"${model}\\", \\"training_file\\": \\"$train\\",
       \\"validation_file\\": \\"$valid\\", \\"suffix\\": \\"marv\\"}" | idOf ftjob)
curl -s ${base}/fine_tuning/jobs/$job \\
  -H "Authorization: Bearer $OPENAI_API_KEY"
`
  }
  if (language === 'node') {
    return `import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: "${base}" });
const upload = async (name) =>
  client.files.create({
    file: await toFile(await fetch("${data}/" + name), name),
    purpose: "fine-tune",
  });
const train = await upload("train.jsonl");
const valid = await upload("valid.jsonl");
const job = await client.fineTuning.jobs.create({
  model: "${model}",
  training_file: train.id,
  validation_file: valid.id,
  suffix: "marv",
});
console.log(await client.fineTuning.jobs.retrieve(job.id));
`
  }
  return `from urllib.request import urlopen

from openai import OpenAI

client = OpenAI(base_url="${base}")

def upload(name):
    rows = urlopen(f"${data}/{name}").read()
    return client.files.create(file=(name, rows), purpose="fine-tune")

train = upload("train.jsonl")
valid = upload("valid.jsonl")
job = client.fine_tuning.jobs.create(
    model="${model}",
    training_file=train.id,
    validation_file=valid.id,
    suffix="marv",
)
print(client.fine_tuning.jobs.retrieve(job.id))
`
}

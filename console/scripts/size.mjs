/**
 * Holds the build to its budgets, in bytes gzipped: what any page loads first, and each part that comes later.
 *
 * The first load is the entry, everything it imports statically, and their styles.
 */
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BUILT = fileURLToPath(new URL('../../tunesmith/assets/console/', import.meta.url))
const FIRST_LOAD_KB = 180
const LAZY_KB = 40

const manifest = JSON.parse(readFileSync(`${BUILT}manifest.json`, 'utf8'))
const size = (file) => statSync(`${BUILT}${file}.gz`).size
const kb = (bytes) => bytes / 1000

function withImports(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const other of manifest[key].imports ?? []) withImports(other, seen)
  return seen
}
function filesOf(keys) {
  const files = new Set()
  for (const key of keys) {
    files.add(manifest[key].file)
    for (const style of manifest[key].css ?? []) files.add(style)
  }
  return files
}
const sum = (files) => [...files].reduce((total, file) => total + size(file), 0)

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry)
const first = filesOf(withImports(entry))
const failures = []
const total = kb(sum(first) + size('index.html'))
console.log(`first load   ${total.toFixed(1)} kB of ${FIRST_LOAD_KB}`)
if (total > FIRST_LOAD_KB) failures.push('the first load')

for (const [key, part] of Object.entries(manifest)) {
  if (!part.isDynamicEntry) continue
  const files = [...filesOf(withImports(key))].filter((file) => !first.has(file))
  const own = kb(sum(files))
  console.log(`${own.toFixed(1).padStart(7)} kB   ${part.src ?? key}`)
  if (own > LAZY_KB) failures.push(part.src ?? key)
}
if (failures.length) {
  console.error(`Over budget: ${failures.join(', ')}`)
  process.exit(1)
}

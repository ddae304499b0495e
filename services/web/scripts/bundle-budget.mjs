// Prints the JavaScript that the sign-in page loads, and that of the charts (gzip), and fails above the
// budget of either. Reads Vite's manifest, which is removed afterwards: it is no part of what the API serves.
import { readFileSync, rmSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUDGET_BYTES = 140 * 1024
const PAGE = 'src/pages/SignInPage.vue'
/** The charts come by themselves, when the first one is shown. */
const CHART_BUDGET_BYTES = 65 * 1024
const CHARTS = 'src/components/charts/engine.ts'
const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'))

/** Adds the chunk and everything it imports statically. */
function collect(key, files) {
  const chunk = manifest[key]
  if (!chunk) throw new Error(`no chunk named ${key} in the manifest`)
  if (files.has(chunk.file)) return files
  files.add(chunk.file)
  for (const imported of chunk.imports ?? []) collect(imported, files)
  return files
}

const size = (file) => gzipSync(readFileSync(new URL(file, dist))).length
const files = [...collect(PAGE, collect('index.html', new Set()))]
const total = files.reduce((sum, file) => sum + size(file), 0)
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KB`

for (const file of files) console.log(`  ${kib(size(file)).padStart(9)}  ${file}`)
console.log(`sign-in JavaScript, gzip: ${kib(total)} of ${kib(BUDGET_BYTES)}`)
const charts = size(manifest[CHARTS].file)
console.log(`charts, gzip: ${kib(charts)} of ${kib(CHART_BUDGET_BYTES)}`)
rmSync(new URL('.vite', dist), { recursive: true })
if (files.includes(manifest[CHARTS].file)) {
  console.error('the charts are loaded before anybody has signed in: something imports them statically')
  process.exit(1)
}
if (total > BUDGET_BYTES || charts > CHART_BUDGET_BYTES) {
  console.error('over budget: move code out of the entry, the sign-in page or the charts')
  process.exit(1)
}

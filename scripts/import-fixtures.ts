/**
 * Copies the recorded exchanges of OpenAI-compatible endpoints into `test/fixtures/recorded/`, one Brotli file per vendor,
 * with their sources and licences, and the OpenAI-format requests of real SDKs and tools into `test/fixtures/clients.jsonl.br`.
 * Bodies are serialised here, once, so that their bytes are stable. Fails when a record has a form it does not know.
 *
 *   node scripts/import-fixtures.ts --from DIR     DIR holds `recorded/` and `client-captures/`
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants } from 'node:zlib'

interface Source {
  id: string
  source: { name: string; repo: string; commit: string; licence: string; path: string; interaction: unknown }
  provider: string
  endpoint: string
  stream: boolean
  model: string | null
  method: string
  url_path: string
  request: { headers: Record<string, string>; body?: unknown }
  response: { status: number; headers: Record<string, string>; framing: string; body?: unknown; body_text?: string; chunks?: unknown[] }
  features: string[]
  elided?: { path: string }[]
}

/** The wire format is OpenAI's when the path ends like this; other forms share the endpoint names in the index. */
const openaiPath = /\/(chat\/completions|completions|embeddings|models|models\/[^/?]+)$/
const otherForms = /\/(prompts|organization|v1beta)\//
const isOpenai = (record: Source): boolean =>
  ['chat.completions', 'completions', 'embeddings', 'models'].includes(record.endpoint) &&
  openaiPath.test(record.url_path) && !otherForms.test(record.url_path) && !['anthropic', 'gemini'].includes(record.provider)

function bodyOf({ id, response }: Source): string {
  if (response.framing === 'json') return JSON.stringify(response.body)
  if (response.framing === 'sse') return response.body_text ?? ''
  if (response.framing === 'empty') return ''
  if (response.framing !== 'chunks') throw new Error(`${id}: unknown framing ${response.framing}`)
  const events = (response.chunks ?? []).map((chunk) => `data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`)
  return [...events, 'data: [DONE]\n\n'].join('')
}

function fixtureOf(record: Source): Record<string, unknown> {
  const { request, response } = record
  const streamed = response.framing === 'sse' || response.framing === 'chunks'
  return {
    id: record.id, source: record.source, provider: record.provider, endpoint: record.endpoint, stream: record.stream, model: record.model,
    method: record.method, path: record.url_path, status: response.status,
    requestHeaders: request.headers,
    requestBody: request.body === undefined ? null : JSON.stringify(request.body),
    headers: { 'content-type': streamed ? 'text/event-stream' : 'application/json', ...response.headers },
    body: bodyOf(record),
    features: record.features,
    elided: (record.elided ?? []).map((part) => part.path),
  }
}

function writeLines(file: string, rows: readonly unknown[]): number {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const packed = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: text.length } })
  writeFileSync(file, packed)
  return packed.length
}

const readLines = (file: string): unknown[] => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as unknown)
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

function importRecorded(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  mkdirSync(join(to, 'LICENSES'), { recursive: true })
  const byProvider = new Map<string, Source[]>()
  for (const row of readLines(join(from, 'index.jsonl')) as { file: string }[]) {
    const record = readJson(join(from, row.file)) as Source
    if (!isOpenai(record)) continue
    byProvider.set(record.provider, [...(byProvider.get(record.provider) ?? []), record])
  }
  let bytes = 0
  let count = 0
  for (const [provider, records] of [...byProvider].sort(([a], [b]) => (a < b ? -1 : 1))) {
    bytes += writeLines(join(to, `${provider}.jsonl.br`), records.map(fixtureOf))
    count += records.length
  }
  for (const name of readdirSync(join(from, 'LICENSES'))) copyFileSync(join(from, 'LICENSES', name), join(to, 'LICENSES', name))
  process.stdout.write(`${count} exchanges of ${byProvider.size} vendors, ${bytes} bytes\n`)
}

interface Capture {
  url: string
  method: string
  headers: Record<string, string>
  body?: unknown
}

function importClients(from: string, file: string): void {
  const rows = (readLines(join(from, 'index.jsonl')) as { file: string; description: string }[])
    .map((row) => ({ id: row.file.replace('.json', ''), description: row.description, capture: readJson(join(from, row.file)) as Capture }))
    .filter(({ capture }) => capture.method === 'POST' && /^\/(openai\/)?v1\/(chat\/completions|completions|embeddings)$/.test(capture.url))
    .map(({ id, description, capture }) => ({
      id, description, path: capture.url, headers: capture.headers,
      body: typeof capture.body === 'string' ? capture.body : JSON.stringify(capture.body),
    }))
  process.stdout.write(`${rows.length} client requests, ${writeLines(file, rows)} bytes\n`)
}

const { values } = parseArgs({ options: { from: { type: 'string' } } })
if (values.from === undefined) {
  process.stderr.write('Say where the recordings are: node scripts/import-fixtures.ts --from DIR\n')
  process.exitCode = 2
} else {
  const fixtures = join(import.meta.dirname, '../test/fixtures')
  importRecorded(join(values.from, 'recorded'), join(fixtures, 'recorded'))
  importClients(join(values.from, 'client-captures'), join(fixtures, 'clients.jsonl.br'))
}

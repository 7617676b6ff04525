/**
 * Copies the recorded exchanges into `test/fixtures/recorded/`, one Brotli file per wire format and vendor, with their sources and
 * licences, and the requests of real SDKs and tools into `test/fixtures/clients.jsonl.br`.
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
  request: { headers: Record<string, string>; body?: unknown; body_text?: string; multipart?: unknown[] }
  response: { status: number; headers: Record<string, string>; framing: string; body?: unknown; body_text?: string; body_base64?: string; chunks?: unknown[] }
  features: string[]
  elided?: { path: string }[]
}

/** The wire format is OpenAI's when the path ends like this; other forms share the endpoint names in the index. */
const openaiPath = /\/(chat\/completions|completions|embeddings|models|models\/[^/?]+)$/
const otherForms = /\/(prompts|organization|v1beta)\//
const isOpenai = (record: Source): boolean =>
  ['chat.completions', 'completions', 'embeddings', 'models'].includes(record.endpoint) &&
  openaiPath.test(record.url_path) && !otherForms.test(record.url_path) && !['anthropic', 'gemini'].includes(record.provider)

const formatByEndpoint: Record<string, string> = {
  messages: 'anthropic-messages', generateContent: 'gemini-generate', streamGenerateContent: 'gemini-generate',
  'bedrock.converse': 'bedrock-converse', 'bedrock.converse-stream': 'bedrock-converse', 'bedrock.invoke': 'bedrock-invoke', 'bedrock.invoke-stream': 'bedrock-invoke',
  'cohere.chat': 'cohere-chat', 'ollama.chat': 'ollama-chat',
}

/** `openai`: chat completions, completions, embeddings and models; `other`: what carries no conversation. */
function formatOf(record: Source): string {
  if (isOpenai(record)) return 'openai'
  if (record.endpoint === 'responses' && record.url_path.endsWith('/responses')) return 'openai-responses'
  return formatByEndpoint[record.endpoint] ?? 'other'
}

/** The bytes of the answer as text or base64. Where the source kept payloads alone they are framed again; binary frames are left to the reader, as a JSON array. */
function bodyOf(record: Source): { body: string } | { bodyBase64: string } {
  const { id, endpoint, response: { framing, body, body_text: text, body_base64: base64, chunks = [] } } = record
  if (base64 !== undefined) return { bodyBase64: base64 }
  if (framing === 'json') return { body: JSON.stringify(body) }
  if (framing === 'chunks') {
    const events = chunks.map((chunk) => (typeof chunk === 'string' ? chunk : JSON.stringify(chunk)))
    if (endpoint.startsWith('bedrock.')) return { body: `[${events.join(',')}]` }
    const isNamed = endpoint === 'messages' || endpoint === 'responses'
    const framed = events.map((data) => `${isNamed ? `event: ${typeIn.exec(data)?.[1] ?? 'message'}\n` : ''}data: ${data}\n\n`)
    return { body: [...framed, ...(endpoint === 'chat.completions' ? ['data: [DONE]\n\n'] : [])].join('') }
  }
  if (!['sse', 'ndjson', 'text', 'binary', 'empty'].includes(framing)) throw new Error(`${id}: unknown framing ${framing}`)
  return { body: text ?? '' }
}

/** Some recorded events are broken JSON, and stay so. */
const typeIn = /^\{"type":"([\w.]+)"/

const contentTypes: Record<string, string> = { sse: 'text/event-stream', chunks: 'text/event-stream', ndjson: 'application/x-ndjson', 'aws-eventstream': 'application/vnd.amazon.eventstream' }

function fixtureOf(record: Source): Record<string, unknown> {
  const { request, response } = record
  return {
    id: record.id, source: record.source, provider: record.provider, endpoint: record.endpoint, stream: record.stream, model: record.model,
    method: record.method, path: record.url_path, status: response.status, framing: response.framing,
    requestHeaders: request.headers,
    requestBody: request.body === undefined ? request.body_text ?? null : JSON.stringify(request.body),
    ...(request.multipart === undefined ? {} : { requestParts: request.multipart }),
    headers: { 'content-type': contentTypes[response.framing] ?? 'application/json', ...response.headers },
    ...bodyOf(record),
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
  const files = new Map<string, Source[]>()
  for (const row of readLines(join(from, 'index.jsonl')) as { file: string }[]) {
    const record = readJson(join(from, row.file)) as Source
    const name = `${formatOf(record)}.${record.provider}`
    files.set(name, [...(files.get(name) ?? []), record])
  }
  let bytes = 0
  let count = 0
  for (const [name, records] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    bytes += writeLines(join(to, `${name}.jsonl.br`), records.map(fixtureOf))
    count += records.length
  }
  for (const name of readdirSync(join(from, 'LICENSES'))) copyFileSync(join(from, 'LICENSES', name), join(to, 'LICENSES', name))
  process.stdout.write(`${count} exchanges in ${files.size} files, ${bytes} bytes\n`)
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
    .map(({ id, description, capture }) => ({
      id, description, method: capture.method, path: capture.url, headers: capture.headers,
      body: typeof capture.body === 'string' ? capture.body : JSON.stringify(capture.body ?? ''),
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

/**
 * Copies what the conformance tests need of vendors' API descriptions into `test/fixtures/specs/`: the schemas of conversations and what
 * they refer to, without texts and examples. Fails when a description has no schema of a name that is asked for.
 *
 *   node scripts/import-specs.ts --from DIR     DIR holds the descriptions under the names below
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brotliCompressSync } from 'node:zlib'
import { parse } from 'yaml'

type Schemas = Record<string, unknown>
interface Wanted { file: string; source: string; roots: string[] }

const wanted: Readonly<Record<string, Wanted>> = {
  openai: {
    file: 'openai.openapi.yaml', source: 'https://github.com/openai/openai-openapi, MIT; without its texts',
    roots: ['CreateChatCompletionRequest', 'CreateChatCompletionResponse', 'CreateChatCompletionStreamResponse', 'CreateResponse', 'Response', 'ResponseStreamEvent'],
  },
  anthropic: { file: 'anthropic.openapi.json', source: 'https://github.com/tryAGI/Anthropic, MIT; without its texts', roots: ['BetaCreateMessageParams', 'BetaMessage', 'BetaMessageStreamEvent'] },
  gemini: { file: 'gemini-native.openapi.json', source: 'https://github.com/whit3rabbit/gemini-openapi-spec, MIT; without its texts', roots: ['GenerateContentRequest', 'GenerateContentResponse'] },
  ollama: { file: 'ollama.openapi.yaml', source: 'https://github.com/ollama/ollama (docs/openapi.yaml), MIT; without its texts', roots: ['ChatRequest', 'ChatResponse', 'ChatStreamEvent'] },
}

const idle = new Set(['description', 'title', 'example', 'examples', 'default', 'deprecated', 'externalDocs', 'xml', 'readOnly', 'writeOnly'])

/** `isMap`: the keys are names of members, not words of a schema. */
function bare(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((each) => bare(each))
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => isMap || !(idle.has(key) || key.startsWith('x-')))
  return Object.fromEntries(kept.map(([key, each]) => [key, bare(each, !isMap && (key === 'properties' || key === 'mapping'))]))
}

const place = '#/components/schemas/'

function reachable(schemas: Schemas, roots: readonly string[]): Schemas {
  const found: Schemas = {}
  const open = [...roots]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name in found) continue
    if (!(name in schemas)) throw new Error(`There is no schema ${name}.`)
    found[name] = bare(schemas[name])
    for (const [, next] of JSON.stringify(found[name]).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) open.push(next!)
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const { values: { from } } = parseArgs({ options: { from: { type: 'string' } } })
if (from === undefined) throw new Error('Say where the descriptions are: --from DIR')
const folder = join(import.meta.dirname, '../test/fixtures/specs')
mkdirSync(folder, { recursive: true })
for (const [name, { file, source, roots }] of Object.entries(wanted)) {
  const { components: { schemas } } = parse(readFileSync(join(from, file), 'utf8')) as { components: { schemas: Schemas } }
  const text = JSON.stringify({ source, place, schemas: reachable(schemas, roots) })
  writeFileSync(join(folder, `${name}.json.br`), brotliCompressSync(text))
  console.log(`${name}: ${text.length} characters`)
}

/** Embeddings without a model: unit vectors in which texts that share words lie close to one another. */
import { tokens } from './prose.ts'
import { hash, seeded } from './random.ts'
import { readModel, readWhole, RequestError, type Body } from './request.ts'

const maxWords = 2048
/** Each word moves this many coordinates, so that the cost does not grow with words × dimensions. */
const coordinatesPerWord = 24

export function composeEmbeddings(body: Body): unknown {
  const model = readModel(body, true)
  const dimensions = readWhole(body, 'dimensions', 1, 3072, 1536)
  const inputs = readInputs(body.input)
  const base64 = body.encoding_format === 'base64'
  const used = inputs.reduce((total, input) => total + Math.max(1, tokens(input)), 0)
  return {
    object: 'list',
    data: inputs.map((input, index) => {
      const vector = embed(input, dimensions)
      return { object: 'embedding', index, embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector) }
    }),
    model,
    usage: { prompt_tokens: used, total_tokens: used },
  }
}

function readInputs(input: unknown): string[] {
  const list = Array.isArray(input) && !input.every((value) => typeof value === 'number') ? input : [input]
  if (list.length === 0 || list.length > 2048) throw new RequestError(400, 'input must have 1 to 2048 entries.', 'input')
  return list.map((value) => {
    const text = Array.isArray(value) ? value.join(' ') : value
    if (typeof text !== 'string' || text === '') throw new RequestError(400, 'input must be non-empty text, a list of texts, or tokens.', 'input')
    return text
  })
}

function embed(text: string, dimensions: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(dimensions)
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]
  for (const word of words.slice(0, maxWords)) {
    const random = seeded(hash(word))
    for (let step = 0; step < coordinatesPerWord; step++) {
      const at = Math.floor(random() * dimensions)
      vector[at] = (vector[at] ?? 0) + random() * 2 - 1
    }
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}

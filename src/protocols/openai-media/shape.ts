/** What bounds the cost of a request for images, speech, recordings, moderation or reranking: pieces that it names, estimates of those that it does not. */
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { AskedPieces, EndpointSpec, MediaKind, RequestShape } from '../protocol.ts'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const ofImages = words('model prompt n user image image[] mask size quality style background moderation output_format output_compression response_format stream partial_images input_fidelity seed aspect_ratio resolution')
const ofRecordings = words('model file language prompt response_format temperature stream timestamp_granularities timestamp_granularities[] include include[] chunking_strategy known_speaker_names known_speaker_references user')

/** Fields that change what comes out, and nothing of its price beyond what is counted here. Where a price depends on size or quality, it is the operator's to declare the dearest. */
const harmless: Readonly<Record<MediaKind, ReadonlySet<string>>> = {
  images: new Set(ofImages), image_edits: new Set(ofImages), image_variations: new Set(ofImages),
  speech: new Set(words('model input voice instructions response_format speed stream_format user')),
  transcriptions: new Set(ofRecordings), translations: new Set(ofRecordings),
  moderations: new Set(words('model input user')),
  rerank: new Set(words('model query documents top_n top_k max_tokens_per_doc max_chunks_per_doc return_documents rank_fields truncation priority user')),
}

/** A large image at high quality: https://platform.openai.com/docs/guides/image-generation#cost-and-latency (4,160 square, 6,240 in portrait). */
const tokensPerImage = 6_240
/** Recorded by others: six audio tokens for each token of text, which has four characters and more. */
const audioTokensPerCharacter = 2
/** $0.006 a minute at $6 a million, as OpenAI equates them. */
const audioTokensPerSecond = 17
/** Of quick speech. */
const textTokensPerSecond = 6
/** Of a recording whose length is not known: speech is sent at 32 kbit/s and more. */
const bytesPerSecond = 4_000
/** Documents that count as one search, and tokens above which one counts as several. https://cohere.com/pricing */
const documentsPerSearch = 100
const tokensPerDocument = 500
const bytesPerToken = 4

/** `fileBytes`: of the files of a form. */
export function shapeOf({ capability }: EndpointSpec, body: Buffer, { members }: JsonScanner, fileBytes = 0): RequestShape {
  const pieces: AskedPieces = { images: 0, characters: 0, searches: 0, mostSearches: 0, mediaTokens: 0, outputTokens: 0, audioMs: 0 }
  const shape: RequestShape = { messages: 1, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null, pieces }
  const known = harmless[capability as MediaKind]
  const fields: Record<string, unknown> = {}
  for (const { key, valueStart, valueEnd } of members) {
    if (!known.has(key) && key !== 'megarouter') shape.extra ??= `the field "${key.slice(0, 40)}"`
    else if (read.has(key)) fields[key] = JSON.parse(body.toString('utf8', valueStart, valueEnd))
  }
  count(pieces, shape, capability as MediaKind, fields, fileBytes)
  return shape
}

const read = new Set(['n', 'input', 'query', 'documents'])

function count(pieces: AskedPieces, shape: RequestShape, kind: MediaKind, { n, input, query, documents }: Record<string, unknown>, fileBytes: number): void {
  switch (kind) {
    case 'images': case 'image_edits': case 'image_variations':
      pieces.images = typeof n === 'number' && n > 0 ? Math.ceil(n) : 1
      pieces.outputTokens = pieces.images * tokensPerImage
      if (kind !== 'images') shape.media = 'an image'
      return
    case 'speech':
      pieces.characters = typeof input === 'string' ? input.length : 0
      pieces.outputTokens = pieces.characters * audioTokensPerCharacter
      return
    case 'transcriptions': case 'translations': {
      const seconds = Math.ceil(fileBytes / bytesPerSecond)
      pieces.audioMs = seconds * 1000
      pieces.mediaTokens = seconds * audioTokensPerSecond
      pieces.outputTokens = seconds * textTokensPerSecond
      shape.media = 'a recording'
      return
    }
    case 'rerank': return searches(pieces, query, Array.isArray(documents) ? documents : [])
    case 'moderations':
      if (Array.isArray(input)) shape.messages = input.length
      if (Array.isArray(input) && input.some((each) => typeof each === 'object')) shape.media = 'an image'
  }
}

/** Each part of a long document counts, beside the query, as one. */
function searches(pieces: AskedPieces, query: unknown, documents: readonly unknown[]): void {
  const queryBytes = typeof query === 'string' ? Buffer.byteLength(query) : 0
  let parts = 0
  let most = 0
  for (const document of documents) {
    const bytes = Buffer.byteLength(typeof document === 'string' ? document : JSON.stringify(document))
    parts += Math.max(1, Math.ceil((bytes + queryBytes) / (tokensPerDocument * bytesPerToken)))
    most += 1 + Math.ceil(bytes / (tokensPerDocument / 2))
  }
  pieces.searches = Math.max(1, Math.ceil(parts / documentsPerSearch))
  // A query that leaves no room for a document splits it without end.
  pieces.mostSearches = queryBytes > tokensPerDocument / 2 ? null : Math.max(1, Math.ceil(most / documentsPerSearch))
}

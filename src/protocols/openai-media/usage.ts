/**
 * What answers of images, audio, moderation and reranking say of their usage, under the names of chat completions, with the pieces that
 * were billed beside the tokens. Vendors report one of them, both, or none.
 */
import type { Json, JsonObject } from '../canonical.ts'

/** As `normaliseUsage` reads it. */
export interface PieceUsage {
  images?: number
  audio_ms?: number
  characters?: number
  searches?: number
}

const objectOr = (value: Json | undefined): JsonObject => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {})

/** A number above 0, also in quotes. */
function positive(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined
}

/** Whole milliseconds, upwards, since vendors count in seconds that were begun. */
const milliseconds = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : Math.ceil(seconds * 1000))

/** `images`: how many the answer holds. Null: it says nothing of usage. */
export function usageOf({ usage: told, meta, duration }: JsonObject, images: number): JsonObject | null {
  const usage = objectOr(told)
  const billed = objectOr(objectOr(meta)['billed_units'])
  const pieces: PieceUsage = {}
  if (images > 0) pieces.images = images
  const audio = milliseconds(positive(usage['seconds']) ?? positive(usage['prompt_audio_seconds']) ?? positive(duration))
  if (audio !== undefined) pieces.audio_ms = audio
  const searches = positive(billed['search_units'])
  if (searches !== undefined) pieces.searches = Math.ceil(searches)
  const tokens = tokensOf(usage, billed, images > 0)
  return tokens === null && Object.keys(pieces).length === 0 ? null : { ...tokens, pieces: { ...pieces } }
}

/** `imagesAreOutput`: output whose kind is not told is an image. */
function tokensOf(usage: JsonObject, billed: JsonObject, imagesAreOutput: boolean): JsonObject | null {
  const prompt = usage['input_tokens'] ?? usage['prompt_tokens'] ?? billed['input_tokens']
  const completion = usage['output_tokens'] ?? usage['completion_tokens'] ?? billed['output_tokens']
  const total = usage['total_tokens']
  if (typeof prompt !== 'number' && typeof completion !== 'number' && typeof total !== 'number') return null
  const input = objectOr(usage['input_tokens_details'] ?? usage['input_token_details'] ?? usage['prompt_tokens_details'])
  const output = objectOr(usage['output_tokens_details'] ?? usage['output_token_details'] ?? usage['completion_tokens_details'])
  const facts: JsonObject = {
    prompt_tokens_details: { cached_tokens: input['cached_tokens'] ?? 0, audio_tokens: input['audio_tokens'] ?? 0, image_tokens: input['image_tokens'] ?? 0 },
    completion_tokens_details: { reasoning_tokens: output['reasoning_tokens'] ?? 0, audio_tokens: output['audio_tokens'] ?? 0, image_tokens: output['image_tokens'] ?? (imagesAreOutput && output['text_tokens'] === undefined ? completion ?? 0 : 0) },
  }
  if (prompt !== undefined) facts['prompt_tokens'] = prompt
  if (completion !== undefined) facts['completion_tokens'] = completion
  if (total !== undefined) facts['total_tokens'] = total
  return facts
}

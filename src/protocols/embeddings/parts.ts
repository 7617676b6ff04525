/** What the codecs of embeddings share: vectors in either coding, inputs as texts, losses by name. */
import type { Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedExtras, EmbedFormat, EmbedInput, EmbedRequest, Vector } from '../embeddings.ts'
import { isList, isNumber, isText } from '../members.ts'
import type { Losses } from '../losses.ts'

export const isNumbers = (value: Json | undefined): value is number[] => isList(value) && value.every(isNumber)

/** All of them, or none. */
export function vectorsFrom(values: readonly (Json | undefined)[]): Vector[] {
  const vectors = values.flatMap((value): Vector[] => (isNumbers(value) ? [{ floats: value }] : isText(value) ? [{ base64: value }] : []))
  return vectors.length === values.length ? vectors : []
}

/** The same of formats that know numbers alone. */
export const floatsFrom = (values: readonly (Json | undefined)[]): Vector[] => vectorsFrom(values.map((value) => (isText(value) ? undefined : value)))

export function floatsOf(vector: Vector): number[] {
  if ('floats' in vector) return vector.floats
  const bytes = Buffer.from(vector.base64, 'base64')
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(index * 4))
}

export function base64Of(vector: Vector): string {
  if ('base64' in vector) return vector.base64
  const bytes = Buffer.alloc(vector.floats.length * 4)
  for (const [index, value] of vector.floats.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}

/** The input as one text. Several texts that are one input are joined. */
export function textOf(input: EmbedInput, losses: Losses): string {
  if ('tokens' in input) throw new BadRequest('This model takes texts as input, and no token numbers. Send the text instead.', 'input')
  if (input.parts.some(({ type }) => type === 'image')) throw new BadRequest('This model takes texts as input, and no images. Choose a model that embeds images.', 'input')
  if (input.parts.length > 1) losses.add('borders between the texts of an input', 'hint')
  return input.parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}

/** The fields of the format's own extras; what else it cannot say is lost. `carried`: members of the request beside model and inputs that the format has. */
export function lose(request: EmbedRequest, format: EmbedFormat, carried: readonly (keyof EmbedRequest)[], losses: Losses): JsonObject {
  const names: Partial<Record<keyof EmbedRequest, string>> = { dimensions: 'dimensions', purpose: 'the purpose of the vectors', truncate: 'truncation', endUser: 'user' }
  for (const key of ['dimensions', 'purpose', 'truncate', 'endUser'] as const) {
    if (request[key] === undefined || carried.includes(key)) continue
    losses.add(names[key]!, key === 'dimensions' ? 'meaning' : 'hint')
  }
  const told = Object.entries(words).flatMap(([word, key]) => (request[key] === undefined ? [] : [word]))
  return fieldsOf(request.extras, format, losses, told)
}

/** Words of other formats for what has a member of its own here. */
const words: Readonly<Record<string, keyof EmbedRequest>> = { input_type: 'purpose', output_dimension: 'dimensions', truncate: 'truncate' }

/** `told`: fields of another format that are told by members already. */
export function fieldsOf(extras: EmbedExtras | undefined, format: EmbedFormat, losses: Losses, told: readonly string[] = []): JsonObject {
  if (!extras) return {}
  if (extras.format === format) return extras.fields
  for (const key of Object.keys(extras.fields)) if (!told.includes(key)) losses.add(`the field "${key}"`, 'meaning')
  return {}
}

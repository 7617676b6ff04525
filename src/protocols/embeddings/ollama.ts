/** Ollama's embed: https://docs.ollama.com/api/embed. It knows no purpose; an input that is too long is cut off at its end, or is an error. */
import type { Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedAnswer, EmbedCodec, EmbedInput, EmbedRequest } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isBoolean, isCount, isList, isText, isTexts, Members } from '../members.ts'
import { floatsOf, lose, textOf, floatsFrom } from './parts.ts'

const format = 'ollama-embed'

function inputsFrom(input: Json | undefined): Pick<EmbedRequest, 'inputs' | 'single'> {
  const one = (text: string): EmbedInput => ({ parts: [{ type: 'text', text }] })
  if (isText(input)) return { inputs: [one(input)], single: true }
  if (isTexts(input)) return { inputs: input.map(one) }
  throw new BadRequest('The field "input" must be a text or a list of texts.', 'input')
}

export const ollamaEmbed: EmbedCodec = {
  format,
  decodeRequest(body, place) {
    const members = new Members(body)
    const inputs = inputsFrom(members.take('input', (value): value is Json => value !== undefined))
    const cut = members.take('truncate', isBoolean)
    const fields = {
      model: members.take('model', isText) ?? place.model ?? '', ...inputs, dimensions: members.take('dimensions', isCount), truncate: cut === undefined ? undefined : cut ? 'end' as const : 'none' as const,
    }
    const rest = members.rest()
    return defined<EmbedRequest>({ ...fields, extras: rest && { format, fields: rest } })
  },
  encodeRequest(request, model) {
    const losses = new Losses()
    const fields = lose(request, format, ['dimensions', 'truncate'], losses)
    if (request.inputs.some((input) => 'parts' in input && input.title !== undefined)) losses.add('title', 'hint')
    if (request.truncate === 'start') losses.add('truncation at the start', 'hint')
    const inputs = request.inputs.map((input) => textOf(input, losses))
    return { body: defined<JsonObject>({ model, input: request.single ? inputs[0]! : inputs, dimensions: request.dimensions, truncate: request.truncate && request.truncate !== 'none', ...fields }), losses: losses.list }
  },
  decodeAnswer(body) {
    const members = new Members(body)
    const list = members.take('embeddings', isList)
    const tokens = members.take('prompt_eval_count', isCount)
    const model = members.take('model', isText) ?? ''
    const fields = members.rest()
    return defined<EmbedAnswer>({ model, vectors: floatsFrom(list ?? []), usage: tokens === undefined ? undefined : { tokens }, extras: fields && { format, fields } })
  },
  encodeAnswer({ model, vectors, usage, extras }, { request }) {
    const own = extras?.format === format ? extras.fields : {}
    return defined<JsonObject>({ model: model || request.model, embeddings: vectors.map(floatsOf), prompt_eval_count: usage && usage.tokens + (usage.imageTokens ?? 0), ...own })
  },
}

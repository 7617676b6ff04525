/**
 * OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings/create. Vendors that imitate it ask for the purpose as
 * `input_type` and for dimensions as `output_dimension`: these are understood and stay as they came.
 */
import type { Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedCodec, EmbedInput, EmbedRequest, EmbedUsage, Purpose, Vector } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isCount, isList, isNumber, isObject, isText, isTexts, Members, own, sameJson } from '../members.ts'
import { base64Of, floatsOf, isNumbers, lose, textOf, vectorsFrom } from './parts.ts'

const format = 'openai-embeddings'

const purposes: Readonly<Record<string, Purpose>> = {
  query: 'query', search_query: 'query', document: 'document', passage: 'document', search_document: 'document', classification: 'classification', clustering: 'clustering', similarity: 'similarity',
}
const truncations: Readonly<Record<string, EmbedRequest['truncate'] & string>> = { NONE: 'none', START: 'start', END: 'end' }

function inputsFrom(input: Json | undefined): Pick<EmbedRequest, 'inputs' | 'single'> {
  const text = (each: string): EmbedInput => ({ parts: [{ type: 'text', text: each }] })
  if (isText(input)) return { inputs: [text(input)], single: true }
  if (isTexts(input)) return { inputs: input.map(text) }
  if (isNumbers(input)) return { inputs: [{ tokens: input }], single: true }
  if (isList(input) && input.every(isNumbers)) return { inputs: input.map((tokens) => ({ tokens })) }
  throw new BadRequest('The field "input" must be a text, a list of texts, or token numbers.', 'input')
}

const isCoding = (value: Json | undefined): value is 'float' | 'base64' => value === 'float' || value === 'base64'

function usageFrom(usage: Json | undefined): EmbedUsage | undefined {
  if (!isObject(usage)) return undefined
  const tokens = [usage['prompt_tokens'], usage['total_tokens']].find(isNumber)
  return tokens === undefined ? undefined : { tokens }
}

const usageTo = ({ tokens, imageTokens = 0 }: EmbedUsage): JsonObject => ({ prompt_tokens: tokens + imageTokens, total_tokens: tokens + imageTokens })

/** By their numbers, whatever order they came in; none where a number is missing or stands twice. */
function inOrder(data: readonly Json[]): Vector[] {
  const items = data.map((item, place) => (isObject(item) ? { at: item['index'] ?? place, value: item['embedding'] } : { at: place, value: undefined }))
  const sorted = items.toSorted((a, b) => Number(a.at) - Number(b.at))
  return sorted.every(({ at }, place) => at === place) ? vectorsFrom(sorted.map(({ value }) => value)) : []
}

export const openaiEmbeddings: EmbedCodec = {
  format,
  decodeRequest(body, place) {
    const members = new Members(body)
    const inputs = inputsFrom(body['input'])
    members.take('input', (value): value is Json => value !== undefined)
    const { input_type: purpose, output_dimension: dimension, truncate } = body
    return defined<EmbedRequest>({
      model: members.take('model', isText) ?? place.model ?? '',
      ...inputs,
      dimensions: members.take('dimensions', isCount) ?? (isCount(dimension) ? dimension : undefined),
      coding: members.take('encoding_format', isCoding),
      endUser: members.take('user', isText),
      purpose: own(purposes, purpose),
      truncate: own(truncations, truncate),
      extras: withFormat(members.rest()),
    })
  },
  encodeRequest(request, model) {
    const losses = new Losses()
    const fields = lose(request, format, request.extras?.format === format ? ['dimensions', 'purpose', 'truncate', 'endUser'] : ['dimensions', 'endUser'], losses)
    if (request.inputs.some((input) => 'parts' in input && input.title !== undefined)) losses.add('title', 'hint')
    const inputs = request.inputs.map((input) => ('tokens' in input ? input.tokens : textOf(input, losses)))
    const dimensions = fields['output_dimension'] === undefined ? request.dimensions : undefined
    return { body: defined<JsonObject>({ model, input: request.single ? inputs[0]! : inputs, dimensions, encoding_format: request.coding, user: request.endUser, ...fields }), losses: losses.list }
  },
  decodeAnswer(body) {
    const members = new Members(body)
    const data = members.take('data', isList)
    members.take('object', (value): value is string => value === 'list')
    const usage = usageFrom(body['usage'])
    if (usage && sameJson(usageTo(usage), body['usage'])) members.take('usage', isObject)
    return defined<ReturnType<EmbedCodec['decodeAnswer']>>({ id: members.take('id', isText), model: members.take('model', isText) ?? '', vectors: inOrder(data ?? []), usage, extras: withFormat(members.rest()) })
  },
  encodeAnswer(answer, { request }) {
    const coded = request.coding === 'base64' ? base64Of : floatsOf
    return defined<JsonObject>({
      object: 'list',
      data: answer.vectors.map((vector, index) => ({ object: 'embedding', index, embedding: coded(vector) })),
      model: answer.model || request.model,
      usage: answer.usage && usageTo(answer.usage),
      id: answer.id,
      ...(answer.extras?.format === format ? answer.extras.fields : {}),
    })
  },
}

function withFormat(fields: JsonObject | undefined): EmbedRequest['extras'] {
  return fields && { format, fields }
}

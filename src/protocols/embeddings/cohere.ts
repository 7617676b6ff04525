/**
 * Cohere's embed, version 2: https://docs.cohere.com/reference/embed. The purpose is required; of what is billed tokens of texts and of images
 * are told apart, and older models are billed by the image. Answers of version 1 are read as well.
 */
import type { Json, JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedAnswer, EmbedCodec, EmbedInput, EmbedPart, EmbedRequest, EmbedUsage, Purpose, Vector } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isCount, isList, isNumber, isObject, isText, isTexts, Members, own, sameJson } from '../members.ts'
import { floatsOf, lose, vectorsFrom } from './parts.ts'

const format = 'cohere-embed'

const purposes: Readonly<Record<string, Purpose>> = { search_query: 'query', search_document: 'document', classification: 'classification', clustering: 'clustering' }
/** The nearest of Cohere's, where it has not the same. */
const types: Readonly<Record<Purpose, string>> = {
  query: 'search_query', question: 'search_query', fact: 'search_query', code: 'search_query', document: 'search_document', similarity: 'search_document', classification: 'classification', clustering: 'clustering',
}
const truncations: Readonly<Record<string, EmbedRequest['truncate'] & string>> = { NONE: 'none', START: 'start', END: 'end' }

const isPurpose = (value: Json | undefined): value is string => own(purposes, value) !== undefined
const isTruncation = (value: Json | undefined): value is string => own(truncations, value) !== undefined

function inputsFrom(members: Members): EmbedInput[] {
  const texts = members.take('texts', isTexts)
  if (texts) return texts.map((text) => ({ parts: [{ type: 'text', text }] }))
  const images = members.take('images', isTexts)
  if (images) return images.map((url) => ({ parts: [{ type: 'image', url }] }))
  const inputs = members.take('inputs', isList)
  if (inputs) return inputs.map((input) => ({ parts: (isObject(input) && isList(input['content']) ? input['content'] : [null]).map(partFrom) }))
  throw new BadRequest('One of the fields "texts", "images" and "inputs" must be a list.', 'texts')
}

function partFrom(part: Json): EmbedPart {
  if (isObject(part) && isText(part['text'])) return { type: 'text', text: part['text'] }
  const image = isObject(part) ? part['image_url'] : undefined
  if (isObject(image) && isText(image['url'])) return { type: 'image', url: image['url'] }
  throw new BadRequest('Each input must have a list of texts and images as its "content".', 'inputs')
}

const partTo = (part: EmbedPart): JsonObject => (part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: part.url } })

/** Lists of texts alone and of images alone have members of their own, which all models take. */
function inputsTo(inputs: readonly EmbedInput[]): JsonObject {
  const parts = inputs.map((input) => {
    if ('tokens' in input) throw new BadRequest('This model takes texts as input, and no token numbers. Send the text instead.', 'input')
    return input.parts
  })
  const first = parts.map((each) => (each.length === 1 ? each[0] : undefined))
  if (first.every((part) => part?.type === 'text')) return { texts: first.map((part) => part.text) }
  if (first.every((part) => part?.type === 'image')) return { images: first.map((part) => part.url) }
  return { inputs: parts.map((each) => ({ content: each.map(partTo) })) }
}

function usageFrom(meta: Json | undefined): EmbedUsage | undefined {
  const billed = isObject(meta) && isObject(meta['billed_units']) ? meta['billed_units'] : {}
  const { input_tokens: tokens, image_tokens: imageTokens, images } = billed
  if (![tokens, imageTokens, images].some(isNumber)) return undefined
  return defined<EmbedUsage>({ tokens: isNumber(tokens) ? tokens : 0, imageTokens: isNumber(imageTokens) ? imageTokens : undefined, images: isNumber(images) ? images : undefined })
}

const metaTo = ({ tokens, imageTokens, images }: EmbedUsage): JsonObject => ({ api_version: { version: '2' }, billed_units: defined<JsonObject>({ input_tokens: tokens, image_tokens: imageTokens, images }) })

function vectorsIn(embeddings: Json | undefined): Vector[] {
  const list = isObject(embeddings) ? [embeddings['float'], embeddings['base64']].find(isList) : embeddings
  return isList(list) ? vectorsFrom(list) : []
}

export const cohereEmbed: EmbedCodec = {
  format,
  decodeRequest(body, place) {
    const members = new Members(body)
    const inputs = inputsFrom(members)
    const purpose = members.take('input_type', isPurpose)
    members.take('input_type', (value): value is string => value === 'image')
    return defined<EmbedRequest>({
      model: members.take('model', isText) ?? place.model ?? '',
      inputs,
      purpose: own(purposes, purpose),
      dimensions: members.take('output_dimension', isCount),
      truncate: own(truncations, members.take('truncate', isTruncation)),
      coding: members.take('embedding_types', (value): value is string[] => sameJson(value, ['float'])) && 'float',
      extras: extrasOf(members.rest()),
    })
  },
  encodeRequest(request, model) {
    const losses = new Losses()
    const fields = lose(request, format, ['dimensions', 'purpose', 'truncate'], losses)
    if (request.inputs.some((input) => 'parts' in input && input.title !== undefined)) losses.add('title', 'hint')
    const { purpose = 'document', truncate } = request
    if (!Object.values(purposes).includes(purpose)) losses.add(`the purpose "${purpose}", for which the nearest is taken`, 'hint')
    const inputs = inputsTo(request.inputs)
    const body = defined<JsonObject>({
      model, input_type: inputs['images'] ? 'image' : types[purpose], ...inputs, embedding_types: ['float'], output_dimension: request.dimensions, truncate: truncate?.toUpperCase(), ...fields,
    })
    return { body, losses: losses.list }
  },
  decodeAnswer(body) {
    const members = new Members(body)
    const id = members.take('id', isText)
    const vectors = vectorsIn(body['embeddings'])
    if (sameJson(Object.keys(isObject(body['embeddings']) ? body['embeddings'] : {}), ['float'])) members.take('embeddings', isObject)
    members.take('embeddings', isList)
    const usage = usageFrom(body['meta'])
    if (usage && sameJson(metaTo(usage), body['meta'])) members.take('meta', isObject)
    members.take('response_type', (type): type is string => type === 'embeddings_by_type')
    return defined<EmbedAnswer>({ id, model: '', vectors, usage, extras: extrasOf(members.rest()) })
  },
  encodeAnswer({ id, vectors, usage, extras }, client) {
    const fields = extras?.format === format ? extras.fields : {}
    return defined<JsonObject>({ id: id ?? client.id, embeddings: { float: vectors.map(floatsOf) }, meta: usage && metaTo(usage), response_type: 'embeddings_by_type', ...fields })
  },
}

function extrasOf(fields: JsonObject | undefined): EmbedRequest['extras'] {
  return fields && { format, fields }
}

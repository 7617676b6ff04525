/**
 * Embeddings of models on Bedrock by InvokeModel, whose body is the model's own: Titan embeds one input by request, Cohere's models take what
 * Cohere does. https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, …/model-parameters-titan-embed-mm.html, …/model-parameters-embed.html
 */
import type { JsonObject } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import type { EmbedAnswer, EmbedCodec, EmbedInput, EmbedRequest } from '../embeddings.ts'
import { Losses } from '../losses.ts'
import { defined, isCount, isList, isObject, isText, Members } from '../members.ts'
import { cohereEmbed } from './cohere.ts'
import { lose, textOf, floatsFrom } from './parts.ts'

const format = 'bedrock-embed'
const isCoheres = (model: string): boolean => model.includes('cohere.')
/** Their maker's first model of texts takes the text alone. */
const isPlain = (model: string): boolean => /titan-embed-(text-v1|g1-text)/.test(model)
const takesImages = (model: string): boolean => model.includes('titan-embed-image')

/** Of the model that embeds texts, images, or both. */
function mixedInput(input: EmbedInput): JsonObject {
  const parts = 'tokens' in input ? [] : input.parts
  const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
  const images = parts.flatMap((part) => (part.type === 'image' ? [/^data:[^,]*;base64,(.*)$/s.exec(part.url)?.[1]] : []))
  if (images.length > 1 || images.includes(undefined) || (text === '' && images.length === 0)) throw new BadRequest('This model takes one text, one image in the request itself, or one of both.', 'input')
  return defined<JsonObject>({ inputText: text === '' ? undefined : text, inputImage: images[0] })
}

function titanRequest(request: EmbedRequest, model: string, losses: Losses): JsonObject {
  const [input, ...others] = request.inputs
  if (!input || others.length > 0) throw new BadRequest(`This model embeds one input by request, not ${request.inputs.length}. Send them one by one, or use a model of Cohere's.`, 'input')
  const fields = lose(request, format, isPlain(model) ? [] : ['dimensions'], losses)
  if ('parts' in input && input.title !== undefined) losses.add('title', 'hint')
  const { dimensions } = request
  if (takesImages(model)) return { ...mixedInput(input), ...(dimensions !== undefined && { embeddingConfig: { outputEmbeddingLength: dimensions } }), ...fields }
  return { inputText: textOf(input, losses), ...(dimensions !== undefined && !isPlain(model) && { dimensions }), ...fields }
}

/** Cohere's own member of the model stands in the path here. */
function cohereRequest(request: EmbedRequest, model: string): ReturnType<EmbedCodec['encodeRequest']> {
  const { extras } = request
  const { body: { model: _, ...body }, losses } = cohereEmbed.encodeRequest(extras?.format === format ? { ...request, extras: { format: 'cohere-embed', fields: extras.fields } } : request, model)
  return { body, losses }
}

export const bedrockEmbed: EmbedCodec = {
  format,
  decodeRequest(body, place) {
    if (!isText(body['inputText']) && !isText(body['inputImage'])) {
      const { extras, ...request } = cohereEmbed.decodeRequest(body, place)
      return { ...request, ...(extras && { extras: { format, fields: extras.fields } }) }
    }
    const members = new Members(body)
    const [text, image, dimensions] = [members.take('inputText', isText), members.take('inputImage', isText), members.take('dimensions', isCount)]
    const config = members.take('embeddingConfig', isObject)
    const fields = members.rest()
    const parts = [...(text === undefined ? [] : [{ type: 'text' as const, text }]), ...(image === undefined ? [] : [{ type: 'image' as const, url: `data:image/png;base64,${image}` }])]
    const length = config?.['outputEmbeddingLength']
    return defined<EmbedRequest>({ model: place.model ?? '', inputs: [{ parts }], single: true, dimensions: dimensions ?? (isCount(length) ? length : undefined), extras: fields && { format, fields } })
  },
  encodeRequest(request, model) {
    if (isCoheres(model)) return cohereRequest(request, model)
    const losses = new Losses()
    return { body: titanRequest(request, model, losses), losses: losses.list }
  },
  decodeAnswer(body) {
    const { embedding, inputTextTokenCount: tokens } = body
    if (embedding === undefined && tokens === undefined) return cohereEmbed.decodeAnswer(body)
    return defined<EmbedAnswer>({ model: '', vectors: isList(embedding) ? floatsFrom([embedding]) : [], usage: isCount(tokens) ? { tokens } : undefined })
  },
  encodeAnswer({ vectors, usage }) {
    const [first] = vectors
    return defined<JsonObject>({ embedding: first && 'floats' in first ? first.floats : undefined, inputTextTokenCount: usage?.tokens })
  },
}

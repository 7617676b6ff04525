/** Canonical requests and answers that Gemini's format can carry whole. */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, ChatUsage, Choice, Citation, FunctionTool, JsonObject, MediaPart, Message, Part, Proof, Reasoning, ReasoningPart, ServerTool, StopReason, TextPart, TokenLogprob, Tool, ToolCallPart, ToolChoice, ToolResultPart } from '../../src/protocols/canonical.ts'

const format = 'gemini-generate'

/** A record whose members may be missing. */
const some = <T extends object>(model: { [K in keyof T]-?: fc.Arbitrary<T[K]> }, ...required: (keyof T)[]): fc.Arbitrary<T> => fc.record(model, { requiredKeys: required as never[], noNullPrototype: true }) as unknown as fc.Arbitrary<T>

const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/)
const json = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const base64 = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64'))
export const proof = base64.map((value): Proof => ({ by: 'google', value }))

const textPart: fc.Arbitrary<TextPart> = some<Pick<TextPart, 'type' | 'text' | 'proof' | 'extras'>>({ type: fc.constant('text'), text, proof, extras: fc.constant({ format, fields: { speechMetadata: { style: 'calm' } } }) }, 'type', 'text')

const reasoningPart: fc.Arbitrary<ReasoningPart> = fc.oneof(
  some<Pick<ReasoningPart, 'type' | 'text' | 'proof'>>({ type: fc.constant('reasoning'), text: words, proof }, 'type', 'text'),
  proof.map((own): ReasoningPart => ({ type: 'reasoning', proof: own })),
)

const typed = fc.constantFrom<[MediaPart['kind'], string]>(['image', 'image/png'], ['audio', 'audio/wav'], ['video', 'video/mp4'], ['document', 'application/pdf'])
const sources = fc.oneof(
  base64.map((value): MediaPart['source'] => ({ by: 'data', base64: value })),
  fc.webUrl().filter((url) => !url.includes('generativelanguage')).map((url): MediaPart['source'] => ({ by: 'url', url })),
  fc.constantFrom<MediaPart['source']>({ by: 'file', id: 'gs://bucket/file' }, { by: 'file', id: 'https://generativelanguage.googleapis.com/v1beta/files/abc' }),
)
const mediaPart = (isThird: boolean): fc.Arbitrary<MediaPart> => fc.tuple(typed, sources, fc.option(name, { nil: undefined }), fc.option(fc.constantFrom('low', 'medium', 'high', 'original'), { nil: undefined }), fc.boolean())
  .map(([[kind, mediaType], source, title, detail, isVideo]): MediaPart => ({
    type: 'media', kind, source, mediaType, ...(title === undefined ? {} : { name: title }), ...(detail === undefined || !isThird ? {} : { detail }),
    ...(isVideo && kind === 'video' ? { extras: { format, fields: { videoMetadata: { fps: 2 } } } } : {}),
  }))

const native = fc.constantFrom<Part>(
  { type: 'native', format, value: { executableCode: { language: 'PYTHON', code: 'print(1)' } } },
  { type: 'native', format, value: { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1\n' }, thoughtSignature: 'c2ln' } },
)

const call = fc.tuple(name, json, fc.option(proof, { nil: undefined })).map(([tool, args, own]): ToolCallPart => ({ type: 'toolCall', id: '', name: tool, arguments: JSON.stringify(args), ...(own ? { proof: own } : {}) }))

const assistantParts = (isThird: boolean): fc.Arbitrary<Part[]> => fc.array(fc.oneof<fc.Arbitrary<Part>[]>(textPart, reasoningPart, call, native, mediaPart(isThird)), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.filter((part) => part.type !== 'text' || part.text !== '' || part.proof || part.extras)).filter(({ length }) => length > 0)

/** A text that is JSON of its own comes back as it is, unless it says what Google's own names say. */
const resultText = fc.oneof(text.filter((said) => !said.trimStart().startsWith('{')), json.filter((value) => Object.keys(value).length > 0).map((value) => JSON.stringify({ result: value })))

const result = ({ id, name: tool }: ToolCallPart, isThird: boolean): fc.Arbitrary<ToolResultPart> => fc.tuple(fc.option(resultText, { nil: undefined }), fc.boolean(), fc.option(mediaPart(false), { nil: undefined }))
  .map(([said, isError, media]): ToolResultPart => ({
    type: 'toolResult', callId: id, name: tool,
    parts: [...(said === undefined ? [] : [{ type: 'text', text: said } satisfies Part]), ...(media && isThird && !media.extras ? [media] : [])],
    ...(isError && said !== undefined ? { isError: true } : {}),
  }))

/** A user's turn, an answer, and what the tools that it calls say. */
const turn = (isThird: boolean, number: number): fc.Arbitrary<Message[]> => fc.tuple(
  fc.array(fc.oneof<fc.Arbitrary<Part>[]>(textPart, mediaPart(isThird)), { minLength: 1, maxLength: 3 }),
  fc.option(assistantParts(isThird), { nil: undefined }),
).chain(([asked, answered]) => {
  const user: Message = { role: 'user', parts: asked }
  if (!answered) return fc.constant([user])
  const parts = answered.map((part, index) => (part.type === 'toolCall' ? { ...part, id: `call_${number}_${index}` } : part))
  const calls = parts.filter((part): part is ToolCallPart => part.type === 'toolCall')
  const turns: Message[] = [user, { role: 'assistant', parts }]
  return calls.length === 0 ? fc.constant(turns) : fc.tuple(...calls.map((each) => result(each, isThird))).map((results): Message[] => [...turns, { role: 'tool', parts: results }])
})

const schema = fc.constantFrom<JsonObject>(
  { type: 'object', properties: { city: { type: 'string', description: 'Where' }, days: { type: ['integer', 'null'], minimum: 1 } }, required: ['city'], additionalProperties: false },
  { type: 'object', properties: { all: { type: 'array', items: { anyOf: [{ $ref: '#/$defs/one' }, { type: 'null' }] }, minItems: 1 } }, $defs: { one: { enum: ['a', 'b'] } } },
)

const functionTool = (tool: string): fc.Arbitrary<FunctionTool> => fc.tuple(fc.option(text, { nil: undefined }), fc.option(schema, { nil: undefined }), fc.boolean()).map(([description, parameters, hasMore]) => ({
  type: 'function', name: tool, ...(description === undefined ? {} : { description }), ...(parameters ? { parameters } : {}), ...(hasMore ? { extras: { format, fields: { behavior: 'BLOCKING' } } } : {}),
}))

const serverTools: ServerTool[] = [
  { type: 'server', kind: 'web_search', format, value: { googleSearch: {} } }, { type: 'server', kind: 'code_execution', format, value: { codeExecution: {} } },
  { type: 'server', format, value: { urlContext: {} } }, { type: 'server', format, value: { googleMaps: { enableWidget: true } } },
]

const tools: fc.Arbitrary<Tool[]> = fc.tuple(fc.uniqueArray(name, { minLength: 1, maxLength: 3 }).chain((names) => fc.tuple(...names.map(functionTool))), fc.subarray(serverTools)).map(([functions, servers]) => [...functions, ...servers])

const names = fc.uniqueArray(name, { minLength: 2, maxLength: 3 })
const toolChoice: fc.Arbitrary<ToolChoice> = fc.oneof(
  fc.constantFrom<ToolChoice>({ type: 'auto' }, { type: 'none' }, { type: 'required' }),
  name.map((tool): ToolChoice => ({ type: 'tool', name: tool })),
  names.map((each): ToolChoice => ({ type: 'some', names: each, mode: 'required' })),
  names.map((each): ToolChoice => ({ type: 'some', names: each, mode: 'auto' })),
)

const summary = fc.option(fc.constantFrom('auto', 'none'), { nil: undefined }).map((said) => (said === undefined ? {} : { summary: said }))
const reasoning = (isThird: boolean): fc.Arbitrary<Reasoning> => fc.tuple(fc.oneof<fc.Arbitrary<Reasoning>[]>(
  fc.constant({ mode: 'adaptive' }),
  fc.integer({ min: 1, max: 24_576 }).map((budgetTokens): Reasoning => ({ mode: 'on', budgetTokens })),
  isThird ? fc.constantFrom('minimal', 'low', 'medium', 'high').map((effort): Reasoning => ({ mode: 'on', effort })) : fc.constant<Reasoning>({ mode: 'off' }),
), summary).map(([said, shown]) => ({ ...said, ...shown }))

const number = fc.double({ min: -2, max: 2, noNaN: true }).map((value) => value + 0)

export const request: fc.Arbitrary<ChatRequest> = fc.constantFrom('gemini-2.5-flash', 'gemini-3.1-pro-preview').chain((model) => {
  const isThird = model.includes('-3')
  const messages = fc.tuple(fc.option(fc.array(textPart, { minLength: 1, maxLength: 2 }), { nil: undefined }), fc.integer({ min: 1, max: 3 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => turn(isThird, index)))))
    .map(([system, turns]): Message[] => [...(system ? [{ role: 'system', parts: system } satisfies Message] : []), ...turns.flat()])
  const optional = some<Omit<ChatRequest, 'model' | 'stream' | 'messages' | 'parallelToolCalls' | 'verbosity' | 'endUser' | 'metadata' | 'cacheKey' | 'cacheRetention' | 'usageInStream' | 'betas'>>({
    tools, toolChoice,
    output: fc.oneof(fc.constantFrom({ type: 'text' } as const, { type: 'json' } as const), schema.map((each) => ({ type: 'schema', schema: each }) as const)),
    modalities: fc.uniqueArray(fc.constantFrom('text' as const, 'image' as const, 'audio' as const), { minLength: 1 }),
    audio: name.map((voice) => ({ voice })),
    sampling: some({ temperature: number, topP: number, topK: fc.nat(100), seed: fc.integer(), presencePenalty: number, frequencyPenalty: number }).filter((each) => Object.keys(each).length > 0),
    maxOutputTokens: fc.nat(), stop: fc.array(words, { minLength: 1, maxLength: 3 }), choices: fc.integer({ min: 1, max: 8 }),
    logprobs: fc.nat(20).map((alternatives) => ({ alternatives })), reasoning: reasoning(isThird), serviceTier: fc.constantFrom('standard', 'flex', 'priority'), store: fc.boolean(),
    extras: some<JsonObject>({ safetySettings: fc.constant([{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }]), cachedContent: fc.constant('cachedContents/a'), generationConfig: fc.constant({ mediaResolution: 'MEDIA_RESOLUTION_LOW' }) })
      .filter((fields) => Object.keys(fields).length > 0).map((fields) => ({ format, fields }) as const),
  })
  return fc.tuple(fc.boolean(), messages, optional).map(([stream, all, rest]) => ({ model, stream, messages: all, ...rest }))
})

/** Citations of pieces of the text, in order. */
const citedText: fc.Arbitrary<TextPart> = fc.array(fc.tuple(words, fc.nat(2)), { minLength: 1, maxLength: 4 }).map((pieces): TextPart => {
  const citations: Citation[] = []
  let said = ''
  for (const [piece, count] of pieces) {
    for (let i = 0; i < count; i++) citations.push({ url: `https://${citations.length}.example`, title: `T${i}`, start: said.length, end: said.length + piece.length })
    said += piece
  }
  return { type: 'text', text: said, ...(citations.length > 0 ? { citations } : {}) }
})

const logprob = fc.double({ min: -50, max: 0, noNaN: true }).map((value) => value + 0)
const token: fc.Arbitrary<TokenLogprob> = fc.tuple(words, logprob, fc.array(fc.tuple(words, logprob).map(([said, at]) => ({ token: said, logprob: at })), { maxLength: 2 })).map(([said, at, top]) => ({ token: said, logprob: at, ...(top.length > 0 ? { top } : {}) }))

const stops = (hasCalls: boolean): fc.Arbitrary<{ stop: StopReason; nativeStop?: string }> => fc.constantFrom<{ stop: StopReason; nativeStop?: string }>(
  { stop: hasCalls ? 'tool_calls' : 'end' }, { stop: 'length' }, { stop: 'content_filter' }, { stop: 'other' }, { stop: 'pause' }, { stop: 'content_filter', nativeStop: 'RECITATION' }, { stop: 'other', nativeStop: 'MALFORMED_FUNCTION_CALL' },
)

const classes: (keyof ChatUsage)[] = ['cacheRead', 'audioIn', 'imageIn', 'reasoning', 'audioOut', 'imageOut']
const usage: fc.Arbitrary<ChatUsage> = fc.tuple(fc.nat(100_000), fc.nat(100_000), fc.subarray(classes), fc.integer({ min: 1, max: 5000 })).map(([input, output, given, tokens]) => ({ input, output, ...Object.fromEntries(given.map((each) => [each, tokens])) }))

const speech = base64.map((value): MediaPart => ({ type: 'media', kind: 'audio', source: { by: 'data', base64: value }, mediaType: 'audio/L16;codec=pcm;rate=24000' }))

const choice = (index: number): fc.Arbitrary<Choice> => fc.array(fc.oneof<fc.Arbitrary<Part>[]>(textPart, citedText, reasoningPart, call, native, speech, mediaPart(false)), { minLength: 1, maxLength: 5 }).chain((parts) => {
  const own = parts.map((part, at) => (part.type === 'toolCall' ? { ...part, id: `call_${index}_${at}` } : part))
  return fc.tuple(stops(own.some(({ type }) => type === 'toolCall')), fc.option(fc.array(token, { minLength: 1, maxLength: 3 }), { nil: undefined }), fc.boolean())
    .map(([stop, logprobs, hasMore]): Choice => ({ index, parts: own, ...stop, ...(logprobs ? { logprobs } : {}), ...(hasMore ? { extras: { format, fields: { finishMessage: 'Done.', safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'NEGLIGIBLE' }] } } } : {}) }))
})

export const answer: fc.Arbitrary<ChatAnswer> = fc.tuple(
  fc.stringMatching(/^[A-Za-z0-9_-]{8,24}$/), name, fc.option(fc.integer({ min: 1, max: 2_000_000_000 }), { nil: undefined }), fc.integer({ min: 1, max: 2 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => choice(index)))),
  fc.option(usage, { nil: undefined }), fc.boolean(),
).map(([id, model, createdAt, choices, used, hasTier]) => ({
  id, model, choices, ...(createdAt === undefined ? {} : { createdAt }), ...(used ? { usage: used, ...(hasTier ? { serviceTier: 'flex' } : {}) } : {}),
}))

/** What of an answer its stream can carry: texts that follow each other are one, citations are told of the last text, and nothing is kept beside. */
export const streamed: fc.Arbitrary<ChatAnswer> = answer.map((each) => ({
  ...each,
  choices: each.choices.map((choice): Choice => {
    const { extras: _, ...own } = choice
    const parts = own.parts.map((part) => ({ ...part })).filter((part, index, all) => {
      if (part.type === 'text') delete part.extras
      return (part.type !== 'text' || part.text !== '' || part.proof !== undefined) && (index === 0 || kindOf(part) === null || kindOf(part) !== kindOf(all[index - 1]!))
    })
    for (const [index, part] of parts.entries()) if (part.type === 'text' && index < parts.length - 1) delete part.citations
    return { ...own, parts: parts.length > 0 ? separate(parts) : [{ type: 'text', text: 'x' }] }
  }),
}))

const kindOf = (part: Part): string | null => (part.type === 'text' || part.type === 'reasoning' ? part.type : part.type === 'media' && part.mediaType?.startsWith('audio/L16') ? 'speech' : null)

/** Two that would be one, since what stood between them fell away. */
const separate = (parts: Part[]): Part[] => parts.filter((part, index) => index === 0 || kindOf(part) === null || kindOf(part) !== kindOf(parts[index - 1]!))

/** A canonical request as Google takes it, at AI Studio and at Vertex alike. What it has no place for is told as a loss. */
import type { ChatRequest, FunctionTool, JsonObject, Message, Part, ServerTool, Tool, ToolCallPart, ToolChoice, ToolResultPart } from '../canonical.ts'
import type { Encoded, Loss, Target } from '../codec.ts'
import { named } from '../members.ts'
import { encodeConfig, generationOf, loseSettings } from './config.ts'
import { listOf, merged } from './fields.ts'
import { format, isEmpty, madeUp } from './parts.ts'
import { ToolNames } from './names.ts'
import { noSignature } from './signature.ts'
import { encodePart, withExtras, type PartWriter } from './write-parts.ts'

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const writer = new Writer(request, target)
  const body: JsonObject = {}
  const { messages, tools, toolChoice, serviceTier, store, extras } = request
  let at = 0
  while (isSystem(messages[at])) at++
  let system: JsonObject = {}
  for (const message of messages.slice(0, at)) system = withExtras({ ...system, parts: [...listOf(system['parts']), ...writer.parts(message)] }, message.extras, 'a message', writer.lose)
  const contents = messages.slice(at).flatMap((message) => writer.contents(message))
  if (contents.length === 0 && system['parts']) {
    writer.lose('that the only message is a system message (sent as the user’s)', 'hint')
    contents.push({ role: 'user', ...system })
  } else if (system['parts']) body['systemInstruction'] = system
  body['contents'] = contents
  if (tools && tools.length > 0) body['tools'] = writer.tools(tools)
  if (toolChoice) {
    const config = writer.choice(toolChoice)
    if (config) body['toolConfig'] = { functionCallingConfig: config }
  }
  const config = encodeConfig(request, target, writer.lose)
  if (Object.keys(config).length > 0) body['generationConfig'] = config
  const tier = serviceTier === undefined ? undefined : tierOf(serviceTier, writer.lose)
  if (tier !== undefined) body['serviceTier'] = tier
  if (store !== undefined) body['store'] = store
  loseSettings(request, writer.lose)
  return { body: extras?.format === format ? merged(body, extras.fields) : withExtras(body, extras, 'the request', writer.lose), losses: writer.losses }
}

const isSystem = (message: Message | undefined): boolean => message?.role === 'system' || message?.role === 'developer'

class Writer implements PartWriter {
  readonly losses: Loss[] = []
  readonly takesIds: boolean
  readonly isThird: boolean
  readonly #proofs: string
  /** By id, the tools that were called. */
  readonly #called = new Map<string, ToolCallPart>()
  readonly #names: ToolNames

  constructor({ messages, tools }: ChatRequest, { model, proofs }: Target) {
    this.#proofs = proofs
    this.isThird = generationOf(model) >= 3
    // Vertex knows no ids and refuses them: https://github.com/langchain-ai/langchainjs/issues/10266
    this.takesIds = !proofs.includes('vertex')
    for (const { parts } of messages) for (const part of parts) if (part.type === 'toolCall') this.#called.set(part.id, part)
    this.#names = new ToolNames(tools)
  }

  readonly lose = (what: string, kind: Loss['kind']): void => {
    if (!this.losses.some((loss) => loss.what === what)) this.losses.push({ what, kind })
  }

  signatureOf({ by, value }: { by: string; value: string }): string | null {
    if (by === this.#proofs) return value
    this.lose('the proof of another vendor’s thought', 'hint')
    return null
  }

  toolName(name: string, namespace?: string): string {
    return this.#names.written(name, namespace)
  }

  nameOfCall(callId: string): string {
    const call = this.#called.get(callId)
    if (call) return this.toolName(call.name, call.namespace)
    this.lose('which tool a result is of, where the request has no call of it', 'hint')
    return 'unknown'
  }

  parts({ role, parts, name }: Message): JsonObject[] {
    if (name !== undefined) this.lose('the name of who speaks', 'hint')
    return parts.flatMap((part) => (role === 'assistant' && isEmpty(part) ? [] : encodePart(part, this)))
  }

  /** Without ids results belong to the calls of their tool by order; clients give them in that in which they ended. */
  #asCalled(parts: readonly Part[]): Part[] {
    const nameless = parts.filter((part) => part.type === 'toolResult' && (!this.takesIds || part.callId.startsWith(madeUp)) && this.#called.has(part.callId)) as ToolResultPart[]
    if (nameless.length < 2) return [...parts]
    const ids = [...this.#called.keys()]
    const nameOf = ({ callId }: ToolResultPart): string => this.nameOfCall(callId)
    const next = Map.groupBy(nameless.toSorted((a, b) => ids.indexOf(a.callId) - ids.indexOf(b.callId)), nameOf)
    return parts.map((part) => (nameless.includes(part as ToolResultPart) ? next.get(nameOf(part as ToolResultPart))!.shift()! : part))
  }

  contents(message: Message): JsonObject[] {
    const { role, extras } = message
    if (isSystem(message)) this.lose('that a message in mid-conversation is a system message (sent as the user’s)', 'hint')
    const parts = this.parts(role === 'tool' ? { ...message, parts: this.#asCalled(message.parts) } : message)
    if (role === 'assistant' && this.isThird) sign(parts)
    const beside = role === 'tool' ? parts.filter((part) => !('functionResponse' in part)) : []
    const own = beside.length === 0 ? parts : parts.filter((part) => 'functionResponse' in part)
    const contents: JsonObject[] = []
    if (own.length > 0) contents.push(withExtras({ role: role === 'assistant' ? 'model' : 'user', parts: own }, extras, 'a message', this.lose))
    // Results must be as many as calls, and nothing else may stand among them.
    if (beside.length > 0) contents.push({ role: 'user', parts: beside })
    return contents
  }

  tools(tools: readonly Tool[]): JsonObject[] {
    const written: JsonObject[] = []
    let functions: JsonObject[] | null = null
    for (const tool of tools) {
      if (tool.type === 'server') {
        const server = this.#server(tool)
        if (!server) continue
        written.push(server)
        functions = null
      } else {
        if (!functions) written.push({ functionDeclarations: (functions = []) })
        functions.push(tool.type === 'custom' ? this.#custom(tool) : this.#function(tool))
      }
    }
    return written
  }

  #server({ kind, format: from, value }: ServerTool): JsonObject | null {
    if (from === format) return value
    const name = (named(value['type']) ?? kind ?? Object.keys(value)[0] ?? '').slice(0, 40)
    if (Object.keys(value).some((key) => key !== 'type' && key !== 'name')) this.lose(`the settings of the tool "${name}"`, 'hint')
    if (kind === 'web_search') return { googleSearch: {} }
    if (kind === 'code_execution') return { codeExecution: {} }
    this.lose(`the tool "${name}" of ${from}`, 'meaning')
    return null
  }

  #function({ name, namespace, description, parameters, strict, deferred, cache, extras }: FunctionTool): JsonObject {
    if (strict === true) this.lose('that calls of a tool keep strictly to its schema', 'hint')
    if (deferred) this.lose('that a tool is described once a search finds it', 'hint')
    if (cache) this.lose('a cache mark', 'hint')
    return withExtras({
      name: this.toolName(name, namespace),
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parametersJsonSchema: parameters }),
    }, extras, 'a tool', this.lose)
  }

  /** Its free text is the one argument of a function. */
  #custom({ name, namespace, description, grammar, cache, extras }: Extract<Tool, { type: 'custom' }>): JsonObject {
    if (grammar) this.lose('the grammar of a tool’s input', 'meaning')
    if (cache) this.lose('a cache mark', 'hint')
    const parametersJsonSchema = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }
    return withExtras({ name: this.toolName(name, namespace), ...(description === undefined ? {} : { description }), parametersJsonSchema }, extras, 'a tool', this.lose)
  }

  choice(choice: ToolChoice): JsonObject | null {
    switch (choice.type) {
      case 'auto': return { mode: 'AUTO' }
      case 'none': return { mode: 'NONE' }
      case 'required': return { mode: 'ANY' }
      case 'tool': return { mode: 'ANY', allowedFunctionNames: [this.toolName(choice.name)] }
      // Names bind only where calls must come, or are bound to their schema.
      case 'some': return { mode: choice.mode === 'auto' ? 'VALIDATED' : 'ANY', allowedFunctionNames: choice.names.map((name) => this.toolName(name)) }
      case 'native':
        this.lose('which tools may be called', 'meaning')
        return null
    }
  }
}

/** The first call of a turn must be signed. What another vendor's model called has no signature that Google could have made. */
function sign(parts: JsonObject[]): void {
  const first = parts.find((part) => 'functionCall' in part)
  if (first && first['thoughtSignature'] === undefined) first['thoughtSignature'] = noSignature
}

const tiers: Readonly<Record<string, string>> = { default: 'standard', standard_only: 'standard' }

/** `auto` leaves it to the vendor, as saying nothing does. */
function tierOf(tier: string, lose: PartWriter['lose']): string | undefined {
  const name = tiers[tier] ?? tier
  if (['standard', 'flex', 'priority', 'unspecified'].includes(name.toLowerCase())) return name
  if (tier !== 'auto') lose(`the service tier "${tier.slice(0, 40)}"`, 'hint')
  return undefined
}

/**
 * The conversation as the API takes it: neighbours of one role are one message, results of tools stand first in the message behind
 * their calls, and instructions in mid-conversation stand behind a user's turn, or with the others in `system` where the model takes none.
 */
import type { JsonObject, Message } from '../canonical.ts'
import { type BlockWriter, plainOr } from './parts-out.ts'

export class Conversation {
  readonly system: JsonObject[] = []
  readonly messages: JsonObject[] = []
  readonly #writer: BlockWriter
  readonly #takesMidSystem: boolean
  /** Of the user's turn that goes on. */
  #results: JsonObject[] = []
  #others: JsonObject[] = []
  #extras: JsonObject = {}
  /** To stand behind it. */
  #instructions: JsonObject[] = []
  #instructionExtras: JsonObject = {}

  constructor(messages: readonly Message[], writer: BlockWriter, takesMidSystem: boolean) {
    this.#writer = writer
    this.#takesMidSystem = takesMidSystem
    let begun = false
    for (const message of messages) {
      if (!isInstruction(message)) {
        begun = true
        this.#turn(message)
      } else if (isDirective(message)) this.#directive(message)
      else if (begun) this.#instruct(message)
      else this.#toFront(message)
    }
    this.#endTurn()
    this.#trimEnd()
    this.#needSomething()
  }

  #turn(message: Message): void {
    const blocks = this.#writer.blocks(message.parts)
    const extras = this.#extrasOf(message)
    if (message.role === 'assistant') {
      this.#endTurn()
      this.#append('assistant', blocks, extras)
      return
    }
    if (blocks.length > 0 && this.#instructions.length > 0) this.#writer.losses.hint('the place of an instruction in mid-conversation')
    for (const block of blocks) (block['type'] === 'tool_result' ? this.#results : this.#others).push(block)
    this.#extras = { ...this.#extras, ...extras }
  }

  #instruct(message: Message): void {
    const last = this.messages.at(-1)
    const hasTurn = this.#results.length > 0 || this.#others.length > 0 || (last?.['role'] === 'assistant' && endsWithServerTool(last))
    if (!this.#takesMidSystem || !hasTurn) {
      this.#writer.losses.meaning('the place of an instruction in mid-conversation')
      this.#toFront(message)
      return
    }
    this.#instructions.push(...this.#texts(message))
    this.#instructionExtras = { ...this.#instructionExtras, ...this.#extrasOf(message) }
  }

  #toFront(message: Message): void {
    this.system.push(...this.#texts(message))
    const extras = this.#extrasOf(message)
    for (const key of Object.keys(extras)) this.#writer.losses.meaning(`the field "${key.slice(0, 60)}" of an instruction`)
  }

  /** Settings from here on, without a word: it may stand anywhere. */
  #directive(message: Message): void {
    this.#endTurn()
    this.messages.push({ role: 'system', content: [], ...this.#extrasOf(message) })
  }

  #endTurn(): void {
    this.#append('user', [...this.#results, ...this.#others], this.#extras)
    this.#append('system', this.#instructions, this.#instructionExtras)
    this.#results = []
    this.#others = []
    this.#instructions = []
    this.#extras = {}
    this.#instructionExtras = {}
  }

  /** A list by itself; `end` makes texts of plain ones. */
  #append(role: string, blocks: JsonObject[], extras: JsonObject): void {
    if (blocks.length === 0) {
      for (const key of Object.keys(extras)) this.#writer.losses.meaning(`the field "${key.slice(0, 60)}" of an empty message`)
      return
    }
    const last = this.messages.at(-1)
    const isSame = last?.['role'] === role && role !== 'system'
    if (isSame) this.messages.pop()
    this.messages.push(isSame ? { ...last, ...extras, content: [...contentOf(last), ...blocks] } : { role, content: blocks, ...extras })
  }

  /** Text that the answer shall go on with may not end with a blank. */
  #trimEnd(): void {
    const last = this.messages.at(-1)
    if (last?.['role'] !== 'assistant') return
    const block = contentOf(last).at(-1)
    const text = block?.['text']
    if (block?.['type'] !== 'text' || typeof text !== 'string' || text === text.trimEnd()) return
    this.#writer.losses.hint('blanks at the end of the last message')
    block['text'] = text.trimEnd()
  }

  /** Instructions alone are no conversation to the API. */
  #needSomething(): void {
    if (this.messages.length > 0 || this.system.length === 0) return
    this.#writer.losses.meaning('the role of a system message that is all there is')
    this.messages.push({ role: 'user', content: this.system.splice(0) })
  }

  #texts(message: Message): JsonObject[] {
    const blocks = this.#writer.blocks(message.parts)
    const texts = blocks.filter(({ type }) => type === 'text' || type === 'tool_addition' || type === 'tool_removal')
    if (texts.length < blocks.length) this.#writer.losses.meaning('a part of an instruction that is no text')
    return texts
  }

  #extrasOf({ name, extras }: Message): JsonObject {
    if (name !== undefined) this.#writer.losses.hint('the name of a speaker')
    return this.#writer.losses.own(extras, ' of a message') ?? {}
  }

  /** The body's members. */
  written(): JsonObject {
    const messages = this.messages.map((message) => ({ ...message, content: plainOr(contentOf(message)) }))
    return { ...(this.system.length > 0 && { system: plainOr(this.system) }), messages }
  }

  /** Whether the turn that goes on has been thought about: with a budget of thinking, the API wants a thought at its beginning. */
  get goesOnWithoutThought(): boolean {
    let at = this.messages.length - 1
    while (at > 0 && this.messages[at]!['role'] === 'system') at--
    const last = this.messages[at]
    if (last?.['role'] === 'user') at = contentOf(last)[0]?.['type'] === 'tool_result' ? at - 1 : -1
    const turn = this.messages[at]
    if (turn?.['role'] !== 'assistant') return false
    const type = contentOf(turn)[0]?.['type']
    return type !== 'thinking' && type !== 'redacted_thinking'
  }
}

const isInstruction = ({ role }: Message): boolean => role === 'system' || role === 'developer'
const isDirective = ({ role, parts, extras }: Message): boolean => role === 'system' && parts.length === 0 && extras !== undefined
const contentOf = (message: JsonObject): JsonObject[] => message['content'] as JsonObject[]

function endsWithServerTool(message: JsonObject): boolean {
  const type = contentOf(message).at(-1)?.['type']
  return typeof type === 'string' && type.endsWith('_tool_result')
}

/**
 * What a conversation says that routing goes by, in any format: the words that were said last, how the conversation begins, whether
 * a tool's answer is brought. Only a few turns are parsed, so that a long one costs little more than a short one.
 */
import { elementsOf } from '../wire/json-elements.ts'
import type { JsonScanner } from '../wire/json-scanner.ts'

export interface Said {
  /** Of the user's last turn; with the one before it where that is very short. */
  text: string
  /** Of the instructions and the first turn: conversations that go on share it. */
  prefix: number
  /** Turns, whoever said them. */
  turns: number
  /** The last turn brings what a tool answered. */
  isToolLoop: boolean
}

interface Turn { role?: unknown; type?: unknown; content?: unknown; parts?: unknown; output?: unknown }

/** Where formats keep the conversation, and what is said before it. */
const conversations = ['messages', 'input', 'contents', 'prompt'] as const
const instructions = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const
/** A turn of fewer characters ("yes, go on") says little by itself. */
const shortTurn = 40
/** Turns that are looked through from the end for the words of a user. */
const mostTurns = 40
/** Of one turn; the first and the last characters are what is looked at. */
const mostTurnBytes = 256 * 1024
/** Of each end of a part. */
const hashedBytes = 256
const toolTypes = new Set(['function_call_output', 'custom_tool_call_output', 'tool_result', 'computer_call_output', 'local_shell_call_output'])

const nothingSaid: Said = { text: '', prefix: 0, turns: 0, isToolLoop: false }

export function saidIn(body: Buffer, scan: JsonScanner): Said {
  for (const name of conversations) {
    const member = scan.find(name)
    if (member === undefined) continue
    if (body[member.valueStart] !== 0x5b) return { ...nothingSaid, text: textOf(parse(body, member.valueStart, member.valueEnd)), prefix: hashOf(body, scan, member.valueStart, member.valueEnd), turns: 1 }
    const spans = elementsOf(body, member.valueStart, member.valueEnd)
    if (spans.length === 0) return nothingSaid
    return { ...lastWords(body, spans), prefix: hashOf(body, scan, spans[0]!, firstUser(body, spans)), turns: spans.length / 2 }
  }
  return nothingSaid
}

function lastWords(body: Buffer, spans: readonly number[]): Pick<Said, 'text' | 'isToolLoop'> {
  let text = ''
  let isToolLoop = false
  const least = Math.max(0, spans.length - 2 * mostTurns)
  for (let at = spans.length - 2; at >= least; at -= 2) {
    const turn = parse(body, spans[at]!, spans[at + 1]!)
    if (typeof turn === 'string') {
      text ||= turn
      break
    }
    const tool = bringsTool(turn)
    if (at === spans.length - 2) isToolLoop = tool
    if (tool || !isUsers(turn)) continue
    const words = textOf(turn)
    text = text === '' ? words : `${words}\n${text}`
    if (text.length >= shortTurn) break
  }
  return { text, isToolLoop }
}

/** Behind the first turn of a user: what comes later grows. */
function firstUser(body: Buffer, spans: readonly number[]): number {
  for (let at = 0; at < spans.length && at < 2 * mostTurns; at += 2) if (isUsers(parse(body, spans[at]!, Math.min(spans[at + 1]!, spans[at]! + mostTurnBytes)))) return spans[at + 1]!
  return spans[1]!
}

/** FNV-1a over length, beginning and end of each part: what differs only in the middle of long texts of one length is taken for the same. */
function hashOf(body: Buffer, scan: JsonScanner, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (const name of instructions) {
    const member = scan.find(name)
    if (member !== undefined) hash = hashed(hash, body, member.valueStart, member.valueEnd)
  }
  return hashed(hash, body, from, to)
}

function hashed(hash: number, body: Buffer, from: number, to: number): number {
  let value = Math.imul(hash ^ (to - from), 0x01000193)
  const end = Math.min(to, from + hashedBytes)
  for (let at = from; at < end; at++) value = Math.imul(value ^ body[at]!, 0x01000193)
  for (let at = Math.max(end, to - hashedBytes); at < to; at++) value = Math.imul(value ^ body[at]!, 0x01000193)
  return value >>> 0
}

/** A turn that is too long, or cut, is read as text. */
function parse(body: Buffer, from: number, to: number): Turn | string {
  if (to - from > mostTurnBytes) return `${body.toString('utf8', from, from + mostTurnBytes / 2)}\n${body.toString('utf8', to - mostTurnBytes / 2, to)}`
  try {
    const value = JSON.parse(body.toString('utf8', from, to)) as unknown
    return typeof value === 'string' ? value : typeof value === 'object' && value !== null ? value as Turn : ''
  } catch {
    return body.toString('utf8', from, to)
  }
}

const isUsers = (turn: Turn | string): boolean => typeof turn === 'string' || turn.role === 'user' || (turn.role === undefined && (turn.type === undefined || turn.type === 'message' || turn.type === 'input_text'))

function bringsTool({ role, type, content, parts }: Turn): boolean {
  if (role === 'tool' || role === 'function' || toolTypes.has(type as string)) return true
  const list = Array.isArray(content) ? content : Array.isArray(parts) ? parts : []
  return list.some((part: unknown) => typeof part === 'object' && part !== null && (toolTypes.has((part as Turn).type as string) || 'toolResult' in part || 'functionResponse' in part))
}

function textOf(turn: Turn | string): string {
  if (typeof turn === 'string') return turn
  const { content, parts } = turn
  const said = content ?? parts ?? (turn as { text?: unknown }).text
  if (typeof said === 'string') return said
  if (!Array.isArray(said)) return ''
  let text = ''
  for (const part of said as unknown[]) {
    const own = typeof part === 'string' ? part : typeof part === 'object' && part !== null ? (part as { text?: unknown }).text : undefined
    if (typeof own === 'string') text = text === '' ? own : `${text}\n${own}`
  }
  return text
}

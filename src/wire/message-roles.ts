/** Messages of a chat body that was found valid, as its vendor takes them: edits of its bytes. */
import { JsonCursor } from './json-cursor.ts'
import type { Edit } from './json-edit.ts'

const quote = 0x22, openBrace = 0x7b, openBracket = 0x5b

export interface MessageForm {
  /** The role `developer` is written as `system`. */
  developerAsSystem: boolean
  /** Content that is a list of texts is written as one text. */
  listsAsText: boolean
  /** Ids of calls are nine letters and digits. */
  nineLetterIds: boolean
  /** A message that calls tools has a thought. */
  thoughtWithCalls: boolean
}

/** Not empty, since Kimi K2.6 takes an empty one for none: https://github.com/earendil-works/pi/issues/4251 */
const someThought = '"."'

/** `start`: offset of the array of messages. */
export function messageEdits(body: Buffer, start: number, form: MessageForm): Edit[] {
  const { developerAsSystem, listsAsText, nineLetterIds, thoughtWithCalls } = form
  // No escape spells a role in any client that was seen, and a message text that contains the word costs one walk.
  const hasRole = developerAsSystem && body.includes('"developer"')
  const hasCalls = (nineLetterIds || thoughtWithCalls) && body.includes('"tool_calls"')
  if (!listsAsText && !hasRole && !hasCalls) return []
  const edits: Edit[] = []
  const cursor = new JsonCursor(body, start)
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() === openBrace) messageEdit(body, cursor, form, edits)
    else cursor.skip()
  }
  return edits
}

/** Leaves the message. */
function messageEdit(body: Buffer, cursor: JsonCursor, { developerAsSystem, listsAsText, nineLetterIds, thoughtWithCalls }: MessageForm, edits: Edit[]): void {
  let calls = false
  let thought: { start: number; end: number } | 'said' | null = null
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    const first = cursor.peek()
    const valueStart = cursor.at
    if (key === 'role' && developerAsSystem) {
      if (cursor.text() === 'developer') edits.push({ start: valueStart, end: cursor.at, text: '"system"' })
    } else if (key === 'content' && listsAsText && first === openBracket) {
      const text = joined(body, cursor)
      if (text !== null) edits.push({ start: valueStart, end: cursor.at, text: `"${text}"` })
    } else if (key === 'tool_calls' && first === openBracket) {
      calls = idEdits(cursor, nineLetterIds, edits)
    } else if (key === 'tool_call_id' && nineLetterIds) {
      idEdit(cursor, edits)
    } else if (key === 'reasoning_content') {
      cursor.skip()
      thought = first === quote && cursor.at > valueStart + 2 ? 'said' : { start: valueStart, end: cursor.at }
    } else cursor.skip()
  }
  if (!thoughtWithCalls || !calls || thought === 'said') return
  if (thought) edits.push({ ...thought, text: someThought })
  else edits.push({ start: cursor.at - 1, end: cursor.at - 1, text: `,"reasoning_content":${someThought}` })
}

/** Whether there are calls. Leaves their list. */
function idEdits(cursor: JsonCursor, nineLetterIds: boolean, edits: Edit[]): boolean {
  let calls = false
  for (cursor.enter(); cursor.more();) {
    calls = true
    if (cursor.peek() !== openBrace) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      if (cursor.key() === 'id' && nineLetterIds) idEdit(cursor, edits)
      else cursor.skip()
    }
  }
  return calls
}

function idEdit(cursor: JsonCursor, edits: Edit[]): void {
  const isText = cursor.peek() === quote
  const start = cursor.at
  const id = cursor.text()
  if (isText && !/^[a-zA-Z0-9]{9}$/.test(id)) edits.push({ start, end: cursor.at, text: `"${nineLetters(id)}"` })
}

/** The same for the same id: 46 bits of FNV-1a in two halves, to tell the calls of one request apart. */
function nineLetters(id: string): string {
  let [low, high] = [0x811c9dc5, 0x01000193]
  for (let i = 0; i < id.length; i++) {
    low = Math.imul(low ^ id.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ id.charCodeAt(i), 0x85ebca6b)
  }
  return ((low >>> 0) * 0x4000 + (high >>> 18)).toString(36).padStart(9, '0').slice(-9)
}

/** The texts of a list, one behind the other, escaped as they came; null where it holds anything else, or nothing. Leaves the list. */
function joined(body: Buffer, cursor: JsonCursor): string | null {
  let texts: string | null = null
  let isText = true
  for (cursor.enter(); cursor.more();) {
    const text = cursor.peek() === openBrace ? textOf(body, cursor) : cursor.skip()
    if (text == null) isText = false
    else if (isText) texts = (texts ?? '') + text
  }
  return isText ? texts : null
}

/** The text of a part of the type `text`, without its quotes. Leaves the part. */
function textOf(body: Buffer, cursor: JsonCursor): string | null {
  let type = ''
  let start = 0
  let end = 0
  for (cursor.enter(); cursor.more();) {
    const key = cursor.key()
    if (key === 'type') {
      type = cursor.text()
      continue
    }
    const isText = cursor.peek() === quote && key === 'text'
    if (isText) start = cursor.at + 1
    cursor.skip()
    if (isText) end = cursor.at - 1
  }
  return type === 'text' && start > 0 ? body.toString('utf8', start, end) : null
}

/** Messages of a chat body that was found valid, as its vendor takes them: edits of its bytes. */
import { JsonCursor } from './json-cursor.ts'
import type { Edit } from './json-edit.ts'

const quote = 0x22, openBrace = 0x7b, openBracket = 0x5b

export interface MessageForm {
  /** The role `developer` is written as `system`. */
  developerAsSystem: boolean
  /** Content that is a list of texts is written as one text. */
  listsAsText: boolean
}

/** `start`: offset of the array of messages. */
export function messageEdits(body: Buffer, start: number, { developerAsSystem, listsAsText }: MessageForm): Edit[] {
  // No escape spells a role in any client that was seen, and a message text that contains the word costs one walk.
  if (!listsAsText && !body.includes('"developer"')) return []
  const edits: Edit[] = []
  const cursor = new JsonCursor(body, start)
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() !== openBrace) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      const key = cursor.key()
      const first = cursor.peek()
      const valueStart = cursor.at
      if (key === 'role' && developerAsSystem) {
        if (cursor.text() === 'developer') edits.push({ start: valueStart, end: cursor.at, text: '"system"' })
      } else if (key === 'content' && listsAsText && first === openBracket) {
        const text = joined(body, cursor)
        if (text !== null) edits.push({ start: valueStart, end: cursor.at, text: `"${text}"` })
      } else cursor.skip()
    }
  }
  return edits
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

/** Roles of the messages of a chat body that was found valid, as edits of its bytes. */
import { JsonCursor } from './json-cursor.ts'
import type { Edit } from './json-edit.ts'

const openBrace = 0x7b

/** Replaces each message's role `from`. `start`: offset of the array of messages. */
export function replaceRole(body: Buffer, start: number, from: string, to: string): Edit[] {
  // No escape spells a role in any client that was seen, and a message text that contains the word costs one walk.
  if (!body.includes(`"${from}"`)) return []
  const edits: Edit[] = []
  const cursor = new JsonCursor(body, start)
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() !== openBrace) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      if (cursor.key() !== 'role') {
        cursor.skip()
        continue
      }
      cursor.peek()
      const valueStart = cursor.at
      if (cursor.text() === from) edits.push({ start: valueStart, end: cursor.at, text: JSON.stringify(to) })
    }
  }
  return edits
}

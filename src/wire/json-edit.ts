/** Edits of a JSON document by splicing its original bytes: what is not edited stays byte for byte as the client wrote it. */
import type { Member } from './json-scanner.ts'

/** Bytes `start` to `end` are replaced by `text`. */
export interface Edit {
  start: number
  end: number
  text: string
}

export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return body
  const parts: Buffer[] = []
  let at = 0
  // An insertion stands before a removal that starts at the same byte.
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    parts.push(body.subarray(at, edit.start), Buffer.from(edit.text))
    at = edit.end
  }
  parts.push(body.subarray(at))
  return Buffer.concat(parts)
}

export const replaceValue = (member: Member, text: string): Edit => ({ start: member.valueStart, end: member.valueEnd, text })

/** Removes a member with the comma that belongs to it. `members` are all members of its object, in order. */
export function removeMember(members: readonly Member[], member: Member): Edit {
  const index = members.indexOf(member)
  const next = members[index + 1]
  if (next) return { start: member.keyStart, end: next.keyStart, text: '' }
  const previous = members[index - 1]
  return { start: previous ? previous.valueEnd : member.keyStart, end: member.valueEnd, text: '' }
}

/** Adds a member behind the last one. `objectStart` is the offset of the opening brace, used when the object is empty. */
export function addMember(members: readonly Member[], objectStart: number, key: string, json: string): Edit {
  const last = members.at(-1)
  const at = last ? last.valueEnd : objectStart + 1
  return { start: at, end: at, text: `${last ? ',' : ''}${JSON.stringify(key)}:${json}` }
}

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

/** Another key for a member. A key that is looked for by name holds no quote, however it is escaped. */
export const renameMember = (body: Buffer, { keyStart }: Member, key: string): Edit => ({ start: keyStart, end: body.indexOf('"', keyStart + 1) + 1, text: JSON.stringify(key) })

/** Removes members with the commas that belong to them. `members` are all members of the object, in order. */
export function removeMembers(members: readonly Member[], gone: readonly Member[]): Edit[] {
  const edits: Edit[] = []
  for (let index = 0; index < members.length; index++) {
    if (!gone.includes(members[index]!)) continue
    const first = index
    while (gone.includes(members[index + 1]!)) index++
    const next = members[index + 1]
    const previous = members[first - 1]
    if (next) edits.push({ start: members[first]!.keyStart, end: next.keyStart, text: '' })
    else edits.push({ start: previous ? previous.valueEnd : members[first]!.keyStart, end: members[index]!.valueEnd, text: '' })
  }
  return edits
}

/** Adds a member behind the last one. `objectStart` is the offset of the opening brace, used when the object is empty. */
export function addMember(members: readonly Member[], objectStart: number, key: string, json: string): Edit {
  const last = members.at(-1)
  const at = last ? last.valueEnd : objectStart + 1
  return { start: at, end: at, text: `${last ? ',' : ''}${JSON.stringify(key)}:${json}` }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from './json-edit.ts'
import { replaceRole } from './message-roles.ts'

const replaced = (text: string): string => {
  const body = Buffer.from(text)
  return splice(body, replaceRole(body, body.indexOf('['), 'developer', 'system')).toString()
}

test('the role of every message that has it is replaced, and no other byte', () => {
  assert.equal(
    replaced('{"messages": [ {"role" : "developer","content":"\\"developer\\" says \\"role\\":"} , {"content":[{"type":"text","text":"developer"}],"role":"developer"},{"role":"user","content":"developer"}, 7, null]}'),
    '{"messages": [ {"role" : "system","content":"\\"developer\\" says \\"role\\":"} , {"content":[{"type":"text","text":"developer"}],"role":"system"},{"role":"user","content":"developer"}, 7, null]}',
  )
})

test('a role deeper inside, in a tool call or a content part, is not a message’s', () => {
  const text = '{"messages":[{"role":"assistant","tool_calls":[{"role":"developer"}],"content":{"role":"developer"}}]}'
  assert.equal(replaced(text), text)
})

test('a body without the role is left alone', () => {
  assert.deepEqual(replaceRole(Buffer.from('[{"role":"user","content":"a developer"}]'), 0, 'developer', 'system'), [])
})

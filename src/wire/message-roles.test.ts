import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from './json-edit.ts'
import { messageEdits } from './message-roles.ts'

const replaced = (text: string): string => {
  const body = Buffer.from(text)
  return splice(body, messageEdits(body, body.indexOf('['), { developerAsSystem: true, listsAsText: false })).toString()
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
  assert.deepEqual(messageEdits(Buffer.from('[{"role":"user","content":"a developer"}]'), 0, { developerAsSystem: true, listsAsText: false }), [])
})

test('a list of texts becomes one text, in a tool’s result too; a list that holds anything else stays', () => {
  const joined = (text: string): string => {
    const body = Buffer.from(text)
    return splice(body, messageEdits(body, 0, { developerAsSystem: false, listsAsText: true })).toString()
  }
  assert.equal(
    joined('[{"content": [{"type":"text","text":"a\\n"},{"text":"\\u00e9 \\"b","type":"text"}] ,"role":"tool"},{"role":"developer","content":"x"}]'),
    '[{"content": "a\\n\\u00e9 \\"b" ,"role":"tool"},{"role":"developer","content":"x"}]',
  )
  for (const same of ['[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]', '[{"role":"user","content":[]}]', '[{"role":"user","content":[null,7]}]', '[{"role":"user","content":null},7]']) assert.equal(joined(same), same)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from './json-edit.ts'
import { messageEdits } from './message-roles.ts'

const asItIs = { developerAsSystem: false, listsAsText: false, nineLetterIds: false, thoughtWithCalls: false }

const replaced = (text: string): string => {
  const body = Buffer.from(text)
  return splice(body, messageEdits(body, body.indexOf('['), { ...asItIs, developerAsSystem: true })).toString()
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
  assert.deepEqual(messageEdits(Buffer.from('[{"role":"user","content":"a developer"}]'), 0, { ...asItIs, developerAsSystem: true }), [])
})

test('a list of texts becomes one text, in a tool’s result too; a list that holds anything else stays', () => {
  const joined = (text: string): string => {
    const body = Buffer.from(text)
    return splice(body, messageEdits(body, 0, { ...asItIs, listsAsText: true })).toString()
  }
  assert.equal(
    joined('[{"content": [{"type":"text","text":"a\\n"},{"text":"\\u00e9 \\"b","type":"text"}] ,"role":"tool"},{"role":"developer","content":"x"}]'),
    '[{"content": "a\\n\\u00e9 \\"b" ,"role":"tool"},{"role":"developer","content":"x"}]',
  )
  for (const same of ['[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]', '[{"role":"user","content":[]}]', '[{"role":"user","content":[null,7]}]', '[{"role":"user","content":null},7]']) assert.equal(joined(same), same)
})

const edited = (text: string, form: Partial<typeof asItIs>): string => {
  const body = Buffer.from(text)
  return splice(body, messageEdits(body, 0, { ...asItIs, ...form })).toString()
}

test('ids of calls become nine letters, the same in call and result, and one that is fit stays', () => {
  const text = '[{"role":"assistant","tool_calls":[{"id":"call_PTLP8xhu3uwZk4l3nlnrrJha","type":"function","function":{"name":"a","arguments":"{\\"id\\":1}"}},{"id":"abcDEF123"},7]},{"role":"tool","tool_call_id":"call_PTLP8xhu3uwZk4l3nlnrrJha","content":"x"},{"tool_call_id":"abcDEF123"},{"tool_call_id":null}]'
  const got = edited(text, { nineLetterIds: true })
  const [id] = /[a-z0-9]{9}(?=","type")/.exec(got)!
  assert.equal(got, text.replaceAll('call_PTLP8xhu3uwZk4l3nlnrrJha', id))
  const many = new Set(Array.from({ length: 20_000 }, (_, i) => /"id":"([a-z0-9]{9})"/.exec(edited(`[{"tool_calls":[{"id":"call_${i}"}]}]`, { nineLetterIds: true }))![1]))
  assert.equal(many.size, 20_000)
})

test('an earlier message with calls has a thought where the vendor wants one, and no other message', () => {
  assert.equal(
    edited('[{"role":"assistant","tool_calls":[{"id":"a"}]},{"tool_calls":[{"id":"b"}],"reasoning_content":"so"},{"reasoning_content":"","tool_calls":[{}]},{"reasoning_content":null,"tool_calls":[{}]},{"tool_calls":[]},{"content":"x"}]', { thoughtWithCalls: true }),
    '[{"role":"assistant","tool_calls":[{"id":"a"}],"reasoning_content":"."},{"tool_calls":[{"id":"b"}],"reasoning_content":"so"},{"reasoning_content":".","tool_calls":[{}]},{"reasoning_content":".","tool_calls":[{}]},{"tool_calls":[]},{"content":"x"}]',
  )
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { expectedRequest, withModel } from './edits.ts'

describe('the expected edits of a request', () => {
  it('touch the model’s value and nothing else', () => {
    assert.equal(withModel('{ "a":{"model":"inner"} ,"model" : "x" , "z":[1,{"model":2}] }', 'n"w'), '{ "a":{"model":"inner"} ,"model" : "n\\"w" , "z":[1,{"model":2}] }')
    assert.equal(withModel('{"mo\\u0064el":"x"}', 'y'), '{"mo\\u0064el":"y"}')
  })

  it('add include_usage to streams that lack it, where the vendor needs it', () => {
    assert.equal(expectedRequest('{"model":"m","stream":true }', 'u'), '{"model":"u","stream":true,"stream_options":{"include_usage":true} }')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{ },"model":"m"}', 'u'), '{"stream":true,"stream_options":{"include_usage":true },"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{"x":[1]},"model":"m"}', 'u'), '{"stream":true,"stream_options":{"x":[1],"include_usage":true},"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{"include_usage":false},"model":"m"}', 'u'), '{"stream":true,"stream_options":{"include_usage":true},"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":null,"model":"m"}', 'u'), '{"stream":true,"stream_options":{"include_usage":true},"model":"u"}')
    for (const same of ['{"model":"u","stream":true,"stream_options":{"include_usage":true}}', '{"model":"u"}', '{"model":"u","stream":false}']) assert.equal(expectedRequest(same, 'u'), same)
    assert.equal(expectedRequest('{"model":"u","stream":true}', 'u', { usage: 'unasked' }), '{"model":"u","stream":true}')
  })

  it('lower the limits that the vendor reads, or write its own', () => {
    const limited = (sent: string): string => expectedRequest(sent, 'u', { limit: { fields: ['max_completion_tokens', 'max_tokens'], tokens: 50 } })
    assert.equal(limited('{"model":"u", "max_tokens" : 99 }'), '{"model":"u", "max_tokens" : 50 }')
    assert.equal(limited('{"model":"u","max_tokens":99,"max_completion_tokens":60}'), '{"model":"u","max_tokens":50,"max_completion_tokens":50}')
    assert.equal(limited('{"model":"u","max_tokens":9}'), '{"model":"u","max_tokens":9}')
    assert.equal(limited('{"max_completion_tokens":null,"model":"u"}'), '{"max_completion_tokens":50,"model":"u"}')
    assert.equal(limited('{"model":"u","max_tokens":-1,"stream":true}'), '{"model":"u","max_tokens":-1,"stream":true,"max_completion_tokens":50,"stream_options":{"include_usage":true}}')
  })

  it('remove the megarouter object with its comma, wherever it stands', () => {
    for (const sent of ['{"megarouter":{"tags":["a,}"]},"model":"u"}', '{"model":"u","megarouter":{}}']) assert.equal(expectedRequest(sent, 'u'), '{"model":"u"}')
  })

  it('write a limit under the name that the vendor reads', () => {
    const renamed = (sent: string): string => expectedRequest(sent, 'u', { renames: ['max_tokens', 'max_completion_tokens'] })
    assert.equal(renamed('{"max_completion_tokens" : 9,"model":"u"}'), '{"max_tokens" : 9,"model":"u"}')
    assert.equal(renamed('{"max_completion_tokens":9,"max_tokens":7,"model":"u"}'), '{"max_tokens":7,"model":"u"}')
    assert.equal(renamed('{"max_tokens":null,"model":"u","max_completion_tokens":9}'), '{"max_tokens":9,"model":"u"}')
    const unsure = (sent: string): string => expectedRequest(sent, 'u', { limit: { fields: ['max_tokens', 'max_completion_tokens'], certain: 1, tokens: 50 } })
    assert.equal(unsure('{"model":"u","max_completion_tokens":99}'), '{"model":"u","max_completion_tokens":50,"max_tokens":50}')
    assert.equal(unsure('{"max_completion_tokens":99,"max_tokens":9,"model":"u"}'), '{"max_completion_tokens":50,"max_tokens":9,"model":"u"}')
  })

  it('write messages as the vendor takes them, and take out a wish that it refuses', () => {
    assert.equal(expectedRequest('{"model":"u","messages":[{"content":"developer","role":"developer"},{"role":"user"}]}', 'u', { developerAsSystem: true }), '{"model":"u","messages":[{"content":"developer","role":"system"},{"role":"user"}]}')
    assert.equal(expectedRequest('{"messages":[{"content":[{"text":"a\\n","type":"text"}, {"type":"text","text":"b"}]}],"model":"u"}', 'u', { listsAsText: true }), '{"messages":[{"content":"a\\nb"}],"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{"include_usage":true},"model":"u"}', 'u', { usage: 'refused' }), '{"stream":true,"model":"u"}')
  })
})

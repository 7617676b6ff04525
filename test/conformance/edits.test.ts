import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { expectedRequest, withModel } from './edits.ts'

describe('the expected edits of a request', () => {
  it('touch the model’s value and nothing else', () => {
    assert.equal(withModel('{ "a":{"model":"inner"} ,"model" : "x" , "z":[1,{"model":2}] }', 'n"w'), '{ "a":{"model":"inner"} ,"model" : "n\\"w" , "z":[1,{"model":2}] }')
    assert.equal(withModel('{"mo\\u0064el":"x"}', 'y'), '{"mo\\u0064el":"y"}')
  })

  it('add include_usage to streams that lack it, where the vendor needs it', () => {
    assert.equal(expectedRequest('{"model":"m","stream":true }', 'u', true), '{"model":"u","stream":true,"stream_options":{"include_usage":true} }')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{ },"model":"m"}', 'u', true), '{"stream":true,"stream_options":{"include_usage":true },"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{"x":[1]},"model":"m"}', 'u', true), '{"stream":true,"stream_options":{"x":[1],"include_usage":true},"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":{"include_usage":false},"model":"m"}', 'u', true), '{"stream":true,"stream_options":{"include_usage":true},"model":"u"}')
    assert.equal(expectedRequest('{"stream":true,"stream_options":null,"model":"m"}', 'u', true), '{"stream":true,"stream_options":{"include_usage":true},"model":"u"}')
    for (const same of ['{"model":"u","stream":true,"stream_options":{"include_usage":true}}', '{"model":"u"}', '{"model":"u","stream":false}']) assert.equal(expectedRequest(same, 'u', true), same)
    assert.equal(expectedRequest('{"model":"u","stream":true}', 'u', false), '{"model":"u","stream":true}')
  })

  it('lower the limits that the vendor reads, or write its own', () => {
    const limited = (sent: string): string => expectedRequest(sent, 'u', true, { fields: ['max_completion_tokens', 'max_tokens'], tokens: 50 })
    assert.equal(limited('{"model":"u", "max_tokens" : 99 }'), '{"model":"u", "max_tokens" : 50 }')
    assert.equal(limited('{"model":"u","max_tokens":99,"max_completion_tokens":60}'), '{"model":"u","max_tokens":50,"max_completion_tokens":50}')
    assert.equal(limited('{"model":"u","max_tokens":9}'), '{"model":"u","max_tokens":9}')
    assert.equal(limited('{"max_completion_tokens":null,"model":"u"}'), '{"max_completion_tokens":50,"model":"u"}')
    assert.equal(limited('{"model":"u","max_tokens":-1,"stream":true}'), '{"model":"u","max_tokens":-1,"stream":true,"max_completion_tokens":50,"stream_options":{"include_usage":true}}')
  })

  it('remove the megarouter object with its comma, wherever it stands', () => {
    for (const sent of ['{"megarouter":{"tags":["a,}"]},"model":"u"}', '{"model":"u","megarouter":{}}']) assert.equal(expectedRequest(sent, 'u', true), '{"model":"u"}')
  })
})

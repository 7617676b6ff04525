import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordings } from '../../test/fixtures/recorded.ts'
import { AwsEventScanner, exceptionFrame } from '../wire/aws-event-stream.ts'
import { unwrapInvoke, type UnwrappedEvent } from './bedrock-invoke.ts'

function unwrapped(bytes: Buffer): (UnwrappedEvent | null)[] {
  const events: (UnwrappedEvent | null)[] = []
  const scanner = new AwsEventScanner(1 << 20, ({ name, data }) => events.push(unwrapInvoke(name, data)))
  scanner.push(bytes)
  scanner.end()
  return events
}

test('recorded streams of Claude are events of Anthropic, from the first to the last', () => {
  const streams = [...recordings('bedrock-invoke').values()].filter(({ framing, model }) => framing === 'aws-eventstream' && model!.includes('anthropic.'))
  assert.equal(streams.length, 3)
  for (const { body, id } of streams) {
    const events = unwrapped(body)
    assert.ok(events.every((event) => event !== null && (JSON.parse(event.data) as { type: string }).type === event.name), id)
    assert.deepEqual([events[0]!.name, events.at(-1)!.name], ['message_start', 'message_stop'], id)
    assert.ok(events.some((event) => event!.name === 'content_block_delta'))
  }
})

test('an event is found wherever its bytes stand, and a frame without any is none', () => {
  const bytes = Buffer.from('{"x":1,"type":"ping"}').toString('base64')
  assert.deepEqual(unwrapInvoke('chunk', `{"p":"abc","bytes":"${bytes}"}`), { name: 'ping', data: '{"x":1,"type":"ping"}' })
  assert.deepEqual([unwrapInvoke('chunk', '{}'), unwrapInvoke('chunk', null), unwrapInvoke('chunk', 'junk')], [null, null, null])
  assert.deepEqual(unwrapInvoke('chunk', `{"bytes":"${Buffer.from('junk').toString('base64')}"}`), { name: '', data: 'junk' })
})

test('an exception is the error event that clients of Anthropic know', () => {
  const error = (type: string, message: string): unknown => unwrapped(exceptionFrame(type, JSON.stringify({ message })))
  assert.deepEqual(error('throttlingException', 'slow'), [{ name: 'error', data: '{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}' }])
  assert.deepEqual(error('modelTimeoutException', 'x'), [{ name: 'error', data: '{"type":"error","error":{"type":"timeout_error","message":"x"}}' }])
  assert.deepEqual(error('internalServerException', 'x'), [{ name: 'error', data: '{"type":"error","error":{"type":"api_error","message":"x"}}' }])
})

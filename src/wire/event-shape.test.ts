import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedExchanges } from '../../test/fixtures/recorded.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { EventShape } from './event-shape.ts'
import { SseScanner, type SseEvent } from './sse-scanner.ts'

const eventOf = (data: string, name = ''): SseEvent => ({ start: 0, end: data.length, name, data, oversize: false })
const piece = (content: unknown, rest = ''): string => `{"id":"c","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}${rest}},"finish_reason":null}]}`
const alone = (event: SseEvent) => openaiChat.readEvent(event, new EventShape())

test('every recorded event says the same whether the events before it are remembered or not', () => {
  let events = 0
  let remembered = 0
  for (const exchange of recordedExchanges().values()) {
    if (!exchange.stream || exchange.status !== 200) continue
    const shape = new EventShape()
    const scanner = new SseScanner(1_000_000, (event) => {
      events++
      if (event.data !== null && event.name === '' && shape.textLength(event.data) > 0) remembered++
      assert.deepEqual(withoutTier(openaiChat.readEvent(event, shape)), withoutTier(alone(event)), `${exchange.id}: ${event.data}`)
    })
    scanner.push(exchange.body)
    scanner.end()
  }
  assert.ok(events > 1_000 && remembered > events / 10, `${remembered} of ${events} events were of a known shape`)
})

/** A tier that the stream has told already need not be told again. */
const withoutTier = (facts: ReturnType<typeof alone>) => ({ ...facts, serviceTier: null })

test('what looks like a known event and says more is read whole', () => {
  const shape = new EventShape()
  openaiChat.readEvent(eventOf(piece('one')), shape)
  assert.equal(shape.textLength(piece('three')), 5)
  for (const data of [
    piece('an "escape"'), piece('a \\ one'), piece('two\nlines'), piece(null), piece(''), piece('x', ',"tool_calls":[{"function":{"arguments":"{}"}}]'),
    piece('x').replace('"finish_reason":null', '"finish_reason":"stop"'), piece('x').replace('"id":"c"', '"id":"d"'), `${piece('x')} `, '[DONE]', '{"error":{"message":"x"}}',
    piece('x').slice(0, 40), piece('x","role":"user'),
  ]) {
    assert.deepEqual(openaiChat.readEvent(eventOf(data), shape), alone(eventOf(data)), data)
  }
  assert.deepEqual(openaiChat.readEvent(eventOf(piece('three'), 'error'), shape), alone(eventOf(piece('three'), 'error')))
})

const framed = (data: string): string => `data: ${data}\n\n`

test('whole events of a known shape are counted from their bytes as one by one', () => {
  const shape = new EventShape()
  assert.equal(shape.charsOf(Buffer.from(framed(piece('one')))), -1, 'nothing is known yet')
  openaiChat.readEvent(eventOf(piece('one')), shape)
  const texts = ['a', ' three words here', 'Größe 😀 漢字', '{[:,]}', "data: 'x'"]
  for (const text of texts) {
    assert.equal(shape.charsOf(Buffer.from(framed(piece(text)))), alone(eventOf(piece(text))).outputChars)
    assert.equal(shape.events, 1)
  }
  assert.equal(shape.charsOf(Buffer.from(texts.map((text) => framed(piece(text))).join(''))), texts.join('').length)
  assert.equal(shape.events, texts.length)
})

test('bytes that are anything but whole events of a known shape are not taken for them', () => {
  const shape = new EventShape()
  openaiChat.readEvent(eventOf(piece('one')), shape)
  const known = framed(piece('one'))
  for (const bytes of [
    framed(piece('an "escape"')), framed(piece('two\nlines')), framed(piece('')), framed(piece(null)), framed('[DONE]'), framed(piece('x').replace('"finish_reason":null', '"finish_reason":"stop"')),
    framed(piece('x', ',"tool_calls":[]')), known.replace('one', 'o\nne'), known.replace('one', 'o\n\ndata: ne'), known.replace('one', 'o\rne'), known.replaceAll('\n', '\r\n'), known.replace('data: ', 'data:'),
    known.slice(0, -1), known.slice(0, 60), known.slice(6), `${known}\n`, `: ping\n\n${known}`, `event: error\n${known}`, `${known}${framed('[DONE]')}`, `${known}${known.slice(0, 40)}`,
  ]) assert.equal(shape.charsOf(Buffer.from(bytes)), -1, bytes)
})

test('nothing is learnt from an event whose text is not all of its output, or stands in it twice', () => {
  for (const data of [
    piece('one', ',"reasoning_content":"two"'), piece('one').replace('"finish_reason":null', '"finish_reason":"stop"'),
    '{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}', piece('a "quoted" one'), '{"delta":{"content":"no choice"}}',
  ]) {
    const shape = new EventShape()
    openaiChat.readEvent(eventOf(data), shape)
    assert.equal(shape.textLength(data), -1, data)
  }
})

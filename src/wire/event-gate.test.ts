import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventGate, type Verdict } from './event-gate.ts'

function run(text: string, sizes: () => number, judge: (data: string | null) => Verdict, maxHeld = 64, complete = true): string {
  const bytes = Buffer.from(text)
  const gate = new EventGate('sse', 1000, maxHeld, (event) => judge(event.data))
  const out: Buffer[] = []
  for (let i = 0; i < bytes.length; ) {
    const size = Math.max(1, sizes())
    out.push(...gate.push(bytes.subarray(i, i + size)))
    i += size
  }
  out.push(...gate.end(() => complete))
  return Buffer.concat(out).toString()
}

const event = fc.constantFrom('data: keep\n\n', ': ping\n\n', 'data: drop\n\n', 'data: swap\r\n\r\n', `data: ${'k'.repeat(100)}\n\n`, '\n', 'event: x\ndata: keep\n\n')
const verdict = (data: string | null): Verdict => (data === 'drop' ? 'drop' : data === 'swap' ? Buffer.from('data: swapped\n\n') : 'keep')

test('kept bytes pass unchanged, dropped events vanish, replaced ones are replaced, under any chunking', () => {
  fc.assert(fc.property(fc.array(event, { maxLength: 20 }), fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (events, sizes) => {
    const text = events.join('')
    const expected = events.filter((each) => each !== 'data: drop\n\n').join('').replaceAll('data: swap\r\n\r\n', 'data: swapped\n\n')
    // Blank lines that precede a dropped or replaced event belong to it and go with it.
    const normal = (value: string): string => value.replace(/(^|\n\n)\n+/g, '$1')
    assert.equal(normal(run(text, () => sizes.next().value as number, verdict)), normal(expected))
  }), { numRuns: 2000 })
})

test('an event beyond the bound passes as it comes, even if its verdict would have dropped it', () => {
  const long = `data: ${'x'.repeat(200)}\n\n`
  assert.equal(run(long, () => 10, () => 'drop'), long)
})

test('half an event at a broken end is not forwarded; at a good end it is', () => {
  assert.equal(run('data: a\n\ndata: {"half', () => 5, () => 'keep', 64, false), 'data: a\n\n')
  assert.equal(run('data: a\n\ndata: [DONE]', () => 5, () => 'keep'), 'data: a\n\ndata: [DONE]')
})

test('what was forwarded ends at an event boundary unless a long event is passing', () => {
  const gate = new EventGate('sse', 1000, 16, () => 'keep')
  gate.push(Buffer.from('data: a\n\ndata: b'))
  assert.equal(gate.atBoundary, true)
  gate.push(Buffer.from('x'.repeat(20)))
  assert.equal(gate.atBoundary, false)
  gate.push(Buffer.from('\n\n'))
  assert.equal(gate.atBoundary, true)
})

test('events that need no verdict pass with the others, in their order, and only where an event begins', () => {
  const known = 'data: known\n\n'
  const long = `data: ${'k'.repeat(100)}\n${known}`
  const text = `${known}data: keep\n\n${known}${known}data: drop\n\n\n${known}event: x\n${known}${long}`
  fc.assert(fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (sizes) => {
    const bytes = Buffer.from(text)
    const out: Buffer[] = []
    let judged = 0
    let unjudged = 0
    const isKnown = (chunk: Buffer): boolean => {
      const isWhole = chunk.equals(Buffer.from(known))
      if (isWhole) unjudged++
      return isWhole
    }
    const gate = new EventGate('sse', 1000, 64, (event) => {
      judged++
      return verdict(event.data)
    }, isKnown)
    for (let i = 0; i < bytes.length;) {
      const size = text.startsWith(known, i) ? known.length : sizes.next().value as number
      out.push(...gate.push(bytes.subarray(i, i + size)))
      i += size
    }
    out.push(...gate.end(() => true))
    assert.equal(Buffer.concat(out).toString(), text.replace('data: drop\n\n', ''))
    assert.equal(judged + unjudged, 8)
  }), { numRuns: 500 })
})

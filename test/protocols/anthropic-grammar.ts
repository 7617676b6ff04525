/** Reads a stream of Messages as the official SDK does, and refuses what it would trip over: an event out of its order, a wrong number of a block, a delta for another kind of block. */
import assert from 'node:assert/strict'
import { SseScanner } from '../../src/wire/sse-scanner.ts'

type Fields = Record<string, unknown>

/** The message that the events amount to. */
export function messageOf(stream: string): Fields {
  let message: Fields | null = null
  let isOver = false
  let open: number | null = null
  const blocks: Fields[] = []
  const json = new Map<number, string>()
  const scanner = new SseScanner(10_000_000, ({ name, data }) => {
    if (name === 'ping') return
    // OpenRouter closes as its own format does.
    if (data === '[DONE]') return
    const event = JSON.parse(data!) as Fields
    assert.equal(event['type'], name, 'an event has its type as its name')
    assert.equal(isOver, false, `${name} behind the end`)
    assert.equal(message === null, name === 'message_start', `${name} out of order`)
    switch (name) {
      case 'message_start':
        message = event['message'] as Fields
        assert.deepEqual(message['content'], [])
        return
      case 'content_block_start':
        assert.equal(open, null, 'a block begins in another')
        assert.equal(event['index'], blocks.length)
        open = blocks.length
        blocks.push({ ...(event['content_block'] as Fields) })
        return
      case 'content_block_delta':
        assert.equal(event['index'], open)
        return grow(blocks[open!]!, event['delta'] as Fields, json, open!)
      case 'content_block_stop': {
        assert.equal(event['index'], open)
        const text = json.get(open!)
        if (text) blocks[open!]!['input'] = JSON.parse(text)
        open = null
        return
      }
      case 'message_delta':
        assert.equal(open, null, 'a block is open at the end')
        Object.assign(message!, event['delta'])
        message!['usage'] = { ...(message!['usage'] as Fields), ...(event['usage'] as Fields) }
        return
      case 'message_stop':
        assert.equal(open, null)
        isOver = true
        return
      default: assert.fail(`the event ${name} is unknown`)
    }
  })
  scanner.push(Buffer.from(stream))
  scanner.end()
  assert.ok(isOver, 'the stream has an end')
  return { ...message!, content: blocks }
}

function grow(block: Fields, delta: Fields, json: Map<number, string>, index: number): void {
  const kinds: Record<string, string[]> = { text_delta: ['text'], citations_delta: ['text'], thinking_delta: ['thinking'], signature_delta: ['thinking'], input_json_delta: ['tool_use', 'server_tool_use', 'mcp_tool_use'], compaction_delta: ['compaction'] }
  assert.ok(kinds[delta['type'] as string]?.includes(block['type'] as string), `${delta['type']} in a block of the type ${block['type']}`)
  if (delta['type'] === 'text_delta') block['text'] = `${block['text']}${delta['text']}`
  else if (delta['type'] === 'thinking_delta') block['thinking'] = `${block['thinking']}${delta['thinking']}`
  else if (delta['type'] === 'signature_delta') block['signature'] = delta['signature']
  else if (delta['type'] === 'citations_delta') block['citations'] = [...((block['citations'] ?? []) as unknown[]), delta['citation']]
  else if (delta['type'] === 'compaction_delta') block['content'] = delta['content']
  else json.set(index, (json.get(index) ?? '') + delta['partial_json'])
}

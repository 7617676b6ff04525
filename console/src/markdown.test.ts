import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blocks, spans } from './markdown.ts'

test('blocks and spans are read as models write them', () => {
  assert.deepEqual(blocks('# Hi\nHello **you**,\n\n- one\n- `two`\n\n1. a\n```js\nlet x = 1 * 2\n```'), [
    { kind: 'heading', spans: [{ kind: 'text', text: 'Hi' }] },
    {
      kind: 'paragraph',
      spans: [
        { kind: 'text', text: 'Hello ' },
        { kind: 'bold', text: 'you' },
        { kind: 'text', text: ',' },
      ],
    },
    { kind: 'list', ordered: false, items: [[{ kind: 'text', text: 'one' }], [{ kind: 'code', text: 'two' }]] },
    { kind: 'list', ordered: true, items: [[{ kind: 'text', text: 'a' }]] },
    { kind: 'code', text: 'let x = 1 * 2' },
  ])
})
test('an image becomes a link, and only http links are links', () => {
  assert.deepEqual(spans('![x](https://a.example/p.png)'), [{ kind: 'link', text: 'x', href: 'https://a.example/p.png' }])
  assert.deepEqual(spans('[x](javascript:alert)'), [{ kind: 'text', text: '[x](javascript:alert)' }])
  assert.deepEqual(spans('<img src=x>'), [{ kind: 'text', text: '<img src=x>' }])
})
test('a fence that is still streaming is code to its end', () => {
  assert.deepEqual(blocks('```\nlet a'), [{ kind: 'code', text: 'let a' }])
})

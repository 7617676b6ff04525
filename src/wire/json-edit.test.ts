import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addMember, removeMembers, renameMember, replaceValue, splice } from './json-edit.ts'
import { JsonScanner } from './json-scanner.ts'

function scan(body: Buffer): JsonScanner {
  const scanner = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  scanner.push(body)
  scanner.end()
  assert.equal(scanner.fault, null)
  return scanner
}

const space = fc.constantFrom('', ' ', '\n  ')
const member = fc.tuple(fc.constantFrom('a', 'b', 'c', 'model', 'megarouter'), fc.jsonValue({ maxDepth: 2 }))
const document = fc.tuple(fc.uniqueArray(member, { selector: ([key]) => key, maxLength: 5 }), fc.infiniteStream(space)).map(([members, spaces]) => {
  const gap = (): string => spaces.next().value as string
  return `${gap()}{${gap()}${members.map(([key, value]) => `${JSON.stringify(key)}${gap()}:${gap()}${JSON.stringify(value)}${gap()}`).join(`,${gap()}`)}}${gap()}`
})

test('edits mean the same as editing the parsed object, and only their bytes change', () => {
  fc.assert(fc.property(document, fc.boolean(), fc.boolean(), fc.boolean(), (text, replaces, removes, adds) => {
    const body = Buffer.from(text)
    const { members } = scan(body)
    const find = (key: string) => members.find((each) => each.key === key)
    const model = replaces ? find('model') : undefined
    const gone = removes ? members.filter(({ key }) => key === 'megarouter' || key === 'b') : []
    const renamed = find('a')
    const staying = members.filter((each) => !gone.includes(each))
    const edits = [...(model ? [replaceValue(model, '"new"')] : []), ...(renamed ? [renameMember(body, renamed, 'n"')] : []), ...removeMembers(members, gone), ...(adds && staying.length > 0 ? [addMember(staying, body.indexOf('{'), 'z', 'true')] : [])]
    const expected = JSON.parse(text) as Record<string, unknown>
    if (model) expected['model'] = 'new'
    if (renamed) expected['n"'] = expected['a']
    delete expected['a']
    for (const { key } of gone) delete expected[key]
    if (adds && staying.length > 0) expected['z'] = true
    const edited = splice(body, edits)
    assert.deepEqual(JSON.parse(edited.toString()), expected, edited.toString())
    if (edits.length === 0) assert.equal(edited, body)
  }), { numRuns: 3000 })
})

test('a member is added to an empty object', () => {
  const body = Buffer.from(' { } ')
  assert.deepEqual(JSON.parse(splice(body, [addMember([], 1, 'a', '1')]).toString()), { a: 1 })
})

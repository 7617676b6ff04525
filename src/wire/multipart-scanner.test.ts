import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boundaryOf, MultipartScanner, type FormBounds } from './multipart-scanner.ts'

const bounds: FormBounds = { parts: 20, headerBytes: 1024, fieldBytes: 4096, unique: new Set(['model', 'n']) }

function scan(boundary: string, chunks: Buffer[], own: Partial<FormBounds> = {}): MultipartScanner {
  const scanner = new MultipartScanner(boundary, { ...bounds, ...own })
  for (const chunk of chunks) scanner.push(chunk)
  if (!scanner.fault) scanner.end()
  return scanner
}

const part = (headers: string, value: string | Buffer, boundary = 'b'): Buffer => Buffer.concat([Buffer.from(`--${boundary}\r\n${headers}\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')])
const field = (name: string, value: string): Buffer => part(`Content-Disposition: form-data; name="${name}"`, value)
const form = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, Buffer.from('--b--\r\n')])
const cut = (body: Buffer, sizes: readonly number[]): Buffer[] => {
  const chunks: Buffer[] = []
  for (let at = 0, index = 0; at < body.length; index++) {
    const size = sizes.length === 0 ? body.length : Math.max(1, sizes[index % sizes.length]!)
    chunks.push(body.subarray(at, at + size))
    at += size
  }
  return chunks
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 })
// Values full of what delimiters are made of.
const value = fc.array(fc.constantFrom('\r', '\n', '\r\n', '--', '--b', '\r\n--', '\r\n-', 'b', 'x', '\0', 'é'), { maxLength: 30 }).map((all) => all.join('')).filter((text) => !`${text}`.includes('\r\n--b'))

test('parts, values and offsets are the same for any chunking, whatever the values hold', () => {
  fc.assert(fc.property(fc.array(fc.record({ name: fc.constantFrom('prompt', 'file', 'image[]', 'é'), value, isFile: fc.boolean() }), { minLength: 1, maxLength: 6 }), sizes, (parts, chunking) => {
    const body = form(...parts.map(({ name, value: bytes, isFile }) => part(`Content-Disposition: form-data; name="${name}"${isFile ? '; filename="a.wav"\r\nContent-Type: audio/wav' : ''}`, bytes)))
    const scanner = scan('b', cut(body, chunking))
    assert.equal(scanner.fault, null)
    assert.equal(scanner.offset, body.length)
    assert.deepEqual(scanner.parts.map(({ name, filename, valueStart, valueEnd, value: kept }) => [name, filename !== null, body.toString('utf8', valueStart, valueEnd), kept]),
      parts.map(({ name, value: bytes, isFile }) => [name, isFile, bytes, isFile ? null : bytes]))
  }), { numRuns: 2000 })
})

test('a damaged body is a fault or a form, the same for any chunking, and never an exception', () => {
  const whole = form(field('model', 'whisper-1'), part('Content-Disposition: form-data; name="file"; filename="a.wav"', 'RIFF\r\n--\r\n'), field('n', '2'))
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.constantFrom(13, 10, 45, 98, 34, 58, 59, 0, 92)), { maxLength: 4 }), fc.nat(whole.length), sizes, (flips, length, chunking) => {
    const body = Buffer.from(whole.subarray(0, flips.length === 0 ? length : whole.length))
    for (const [at, byte] of flips) if (at < body.length) body[at] = byte
    const [one, many] = [scan('b', [body]), scan('b', cut(body, chunking))]
    assert.deepEqual(many.parts, one.parts)
    assert.equal(many.fault?.reason, one.fault?.reason)
    assert.equal(many.fault?.what, one.fault?.what)
    if (one.fault === null) assert.ok(one.isComplete)
  }), { numRuns: 2000 })
})

test('what could be read in two ways is refused', () => {
  const named = (disposition: string, more = ''): Buffer => form(part(`Content-Disposition: ${disposition}${more}`, 'x'))
  const refused: [string, Buffer][] = [
    ['a second model', form(field('model', 'a'), field('model', 'b'))],
    ['an escaped quote', named('form-data; name="a\\"; filename=\\"b"')],
    ['a file name that ends with a backslash', named('form-data; name="a"; filename="c:\\"')],
    ['a parameter twice', named('form-data; name="a"; name="b"')],
    ['two dispositions', named('form-data; name="a"', '\r\nContent-Disposition: form-data; name="b"')],
    ['no name', named('form-data')],
    ['an extended name', named("form-data; name=\"a\"; name*=UTF-8''b")],
    ['another disposition', named('attachment; name="a"')],
    ['a folded header', named('form-data;\r\n name="a"')],
    ['a bare line feed in a header', named('form-data; name="a"\nX: y')],
    ['base64', named('form-data; name="a"', '\r\nContent-Transfer-Encoding: base64')],
    ['parts within a part', named('form-data; name="a"', '\r\nContent-Type: multipart/mixed; boundary=c')],
    ['a boundary within a line', Buffer.from('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--bc\r\n--b--')],
    ['text before the first boundary', Buffer.concat([Buffer.from('hello\r\n'), form(field('a', 'x'))])],
    ['no end', field('a', 'x')],
    ['nothing', Buffer.alloc(0)],
  ]
  for (const [what, body] of refused) assert.notEqual(scan('b', [body]).fault, null, what)
})

test('parts, headers and fields are bounded; the bytes of a file are not', () => {
  const many = form(...Array.from({ length: 21 }, (_, index) => field(`f${index}`, 'x')))
  assert.equal(scan('b', [many]).fault?.reason, 'parts')
  assert.equal(scan('b', [form(part(`Content-Disposition: form-data; name="a"\r\nX: ${'x'.repeat(1024)}`, 'x'))]).fault?.reason, 'headers')
  assert.equal(scan('b', [form(field('a', 'x'.repeat(3000)), field('b', 'x'.repeat(3000)))]).fault?.reason, 'fields')
  const file = form(part('Content-Disposition: form-data; name="file"; filename=a', Buffer.alloc(100_000)))
  assert.equal(scan('b', cut(file, [1000])).fault, null)
})

test('a fault of bounds or of a second field comes before the rest of the body', () => {
  const scanner = new MultipartScanner('b', bounds)
  scanner.push(Buffer.concat([field('n', '1'), Buffer.from('--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n')]))
  assert.equal(scanner.fault?.reason, 'duplicate')
})

test('a file is told when its first byte is next', () => {
  let files = 0
  const scanner = new MultipartScanner('b', bounds, () => files++)
  scanner.push(field('model', 'a'))
  assert.equal(files, 0)
  scanner.push(Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'))
  assert.deepEqual([files, scanner.find('model')?.value], [1, 'a'])
})

test('the boundary is that of the content type, or none', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=----WebKitFormBoundaryX'), '----WebKitFormBoundaryX')
  assert.equal(boundaryOf('multipart/form-data; charset=utf-8; boundary="a b"'), 'a b')
  for (const none of ['multipart/form-data', 'multipart/form-data; boundary=', 'application/json', 'multipart/mixed; boundary=b', `multipart/form-data; boundary=${'x'.repeat(71)}`, 'multipart/form-data; boundary="a\\"b"']) assert.equal(boundaryOf(none), null, none)
})

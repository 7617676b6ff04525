import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../simulated/random.ts'
import { crc32c } from './crc32c.ts'

const whole = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length)

test('the checksum has the values of RFC 3720', () => {
  assert.equal(whole(Buffer.from('123456789')), 0xe3069283)
  assert.equal(whole(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(whole(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  assert.equal(whole(Buffer.from(Array.from({ length: 32 }, (_, index) => index))), 0x46dd794e)
  assert.equal(whole(Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index))), 0x113fdb5c)
  assert.equal(whole(Buffer.alloc(0)), 0)
})

test('eight bytes at a time give what one bit at a time gives, at every length and offset, and parts give the whole', () => {
  const bitwise = (bytes: Uint8Array): number => {
    let crc = 0xffffffff
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return ~crc >>> 0
  }
  const random = seeded(1)
  const bytes = Buffer.from(Array.from({ length: 300 }, () => Math.floor(random() * 256)))
  for (let length = 0; length < 290; length++) {
    const start = length % 9
    const expected = bitwise(bytes.subarray(start, start + length))
    assert.equal(crc32c(bytes, start, start + length), expected)
    const middle = start + (length >> 1)
    assert.equal(crc32c(bytes, middle, start + length, crc32c(bytes, start, middle)), expected)
  }
})

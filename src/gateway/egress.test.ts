import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSpecialAddress } from './egress.ts'

const inside = [
  '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.2', '192.168.1.1',
  '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1',
  '64:ff9b:1::a00:1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', 'fc00::1', 'fd12::1', 'fe80::1', 'fec0::1', 'ff02::1', 'localhost', '', '1.2.3',
]
const outside = ['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.32.0.1', '192.0.1.1', '198.20.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450::1']

test('special-purpose addresses of the IANA registries are inside, in every IPv6 disguise', () => {
  assert.deepEqual(inside.filter((address) => !isSpecialAddress(address)), [])
  assert.deepEqual(outside.filter((address) => isSpecialAddress(address)), [])
})

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { clientAddress, forwardedProto, trustedProxies } from './client-address.ts'

const from = (peer: string, forwarded?: string): IncomingMessage => ({ socket: { remoteAddress: peer }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage
const trusted = trustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8'])

test('only a trusted proxy is believed, and only as far as its chain is trusted', () => {
  assert.equal(clientAddress(from('203.0.113.5', '1.2.3.4'), trusted), '203.0.113.5')
  assert.equal(clientAddress(from('10.0.0.1', '1.2.3.4'), trusted), '1.2.3.4')
  assert.equal(clientAddress(from('::ffff:10.0.0.1', '6.6.6.6, 1.2.3.4, 192.0.2.7'), trusted), '1.2.3.4')
  assert.equal(clientAddress(from('fd00::1', 'nonsense, 10.9.9.9'), trusted), '10.9.9.9')
  assert.equal(clientAddress(from('10.0.0.1'), trusted), '10.0.0.1')
  assert.equal(clientAddress(from('10.0.0.1', '1.2.3.4'), trustedProxies([])), '10.0.0.1')
})

test('a scheme is taken from a trusted proxy only', () => {
  const says = (peer: string): IncomingMessage => ({ socket: { remoteAddress: peer }, headers: { 'x-forwarded-proto': 'https' } }) as unknown as IncomingMessage
  assert.equal(forwardedProto(says('10.0.0.1'), trusted), 'https')
  assert.equal(forwardedProto(says('203.0.113.5'), trusted), null)
})

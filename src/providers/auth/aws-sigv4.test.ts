import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { AwsSigner, awsCredential, canonicalRequest, type AwsKeys } from './aws-sigv4.ts'

interface Vector {
  name: string
  context: { credentials: { access_key_id: string; secret_access_key: string; token?: string }; normalize: boolean; region: string; service: string; sign_body: boolean; timestamp: string; omit_session_token?: boolean }
  request: string
  canonicalRequest: string
  signature: string
}
const { vectors } = JSON.parse(readFileSync(new URL('../../../test/fixtures/aws-sigv4.json', import.meta.url), 'utf8')) as { vectors: Vector[] }

/** A request as the suite writes it: a line, headers that may go on in the next line, an empty line, a body. */
function parse(text: string): { method: string; path: string; query: string; headers: Record<string, string>; body: string } {
  const [head, body = ''] = text.split('\n\n') as [string, string?]
  const [line, ...rest] = head.split('\n').filter((each) => each !== '')
  const [, method, target] = /^(\S+) (.*) HTTP\/1\.1$/.exec(line!)!
  const headers: Record<string, string> = {}
  let last = ''
  for (const each of rest) {
    if (/^\s/.test(each)) {
      headers[last] += ` ${each.trim()}`
      continue
    }
    const at = each.indexOf(':')
    last = each.slice(0, at).toLowerCase()
    const value = each.slice(at + 1).trim()
    headers[last] = headers[last] === undefined ? value : `${headers[last]},${value}`
  }
  const [path, query = ''] = target!.split('?') as [string, string?]
  return { method: method!, path, query, headers, body }
}

test('the vectors of AWS are signed as AWS signs them', () => {
  // Other services than S3 take a path without dots and empty segments: the rest of the suite is for S3.
  const known = vectors.filter(({ context }) => context.normalize)
  assert.equal(known.length, 31)
  for (const { name, context, request, canonicalRequest: expected, signature } of known) {
    const { host, ...headers } = parse(request).headers
    const parsed = { ...parse(request), host: host!, headers }
    if (context.sign_body) headers['x-amz-content-sha256'] = /\n([0-9a-f]{64})$/.exec(expected)![1]!
    const keys: AwsKeys = {
      kind: 'keys', accessKeyId: context.credentials.access_key_id, secretAccessKey: context.credentials.secret_access_key,
      sessionToken: context.omit_session_token ? null : context.credentials.token ?? null, region: context.region,
    }
    const added = new AwsSigner(keys, context.service).sign(parsed, Date.parse(context.timestamp))
    const { authorization, ...own } = added
    assert.equal(canonicalRequest(parsed, { ...headers, host: host!, ...own }).text, expected, name)
    assert.equal(/Signature=([0-9a-f]+)$/.exec(authorization!)![1], signature, name)
  }
})

test('a model with a colon and one that is an ARN are encoded twice, and the key of the next day is another', () => {
  const keys: AwsKeys = { kind: 'keys', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: null, region: 'us-east-1' }
  const at = (model: string) => ({ method: 'POST', host: 'h', path: `/model/${encodeURIComponent(model)}/converse`, headers: {}, body: '{}' })
  const path = (model: string): string => canonicalRequest(at(model), {}).text.split('\n')[1]!
  assert.equal(path('anthropic.claude-v2:1'), '/model/anthropic.claude-v2%253A1/converse')
  assert.equal(path('arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x'), '/model/arn%253Aaws%253Abedrock%253Aus-east-1%253A123456789012%253Ainference-profile%252Fus.x/converse')
  const signer = new AwsSigner(keys, 'bedrock')
  const day = Date.UTC(2026, 0, 1, 23, 59, 59)
  const signed = [day, day + 1_000, day].map((nowMs) => signer.sign(at('m'), nowMs))
  assert.deepEqual(signed.map((each) => each['x-amz-date']), ['20260101T235959Z', '20260102T000000Z', '20260101T235959Z'])
  assert.deepEqual(signed[0], signed[2])
  assert.deepEqual(signed[1], new AwsSigner(keys, 'bedrock').sign(at('m'), day + 1_000))
  assert.match(signed[1]!['authorization']!, /Credential=AKIDEXAMPLE\/20260102\/us-east-1\/bedrock\/aws4_request, SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}$/)
})

test('a credential is read from its parts, and a wrong one is told with what to do', () => {
  const key = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: ' secret ', AWS_REGION: 'eu-central-1' }
  assert.deepEqual(awsCredential(key), { kind: 'keys', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret', sessionToken: null, region: 'eu-central-1' })
  assert.deepEqual(awsCredential({ ...key, AWS_SESSION_TOKEN: 't', AWS_REGION: undefined, AWS_DEFAULT_REGION: 'us-gov-west-1' }), { kind: 'keys', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret', sessionToken: 't', region: 'us-gov-west-1' })
  assert.deepEqual(awsCredential({ ...key, AWS_BEARER_TOKEN_BEDROCK: 'ABSK+/=' }), { kind: 'bearer', token: 'ABSK+/=', region: 'eu-central-1' })
  const wrong: [Record<string, string>, RegExp][] = [
    [{}, /AWS_REGION is missing/], [{ ...key, AWS_REGION: 'Frankfurt' }, /"Frankfurt", which is no region/], [{ AWS_REGION: 'us-east-1' }, /no AWS credential/],
    [{ ...key, AWS_ACCESS_KEY_ID: '' }, /AWS_ACCESS_KEY_ID is missing/], [{ ...key, AWS_SECRET_ACCESS_KEY: ' ' }, /AWS_SECRET_ACCESS_KEY is missing/],
    [{ ...key, AWS_ACCESS_KEY_ID: 'AKIA' }, /no access key id/], [{ ...key, AWS_SECRET_ACCESS_KEY: 'a b' }, /space or a line break/],
    [{ ...key, AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE' }, /temporary: AWS_SESSION_TOKEN/], [{ ...key, AWS_BEARER_TOKEN_BEDROCK: 'a\nb' }, /characters that no API key has/],
  ]
  for (const [parts, message] of wrong) assert.match(String(awsCredential(parts)), message)
})

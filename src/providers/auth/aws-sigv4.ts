/**
 * Signs requests to AWS (Signature Version 4) and reads the credentials for it: access keys, temporary or not, or an API key of Bedrock,
 * which is sent as it is. Pure: the time of the request is an argument, since AWS refuses a signature that is more than five minutes off.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto'

export interface AwsKeys { kind: 'keys'; accessKeyId: string; secretAccessKey: string; sessionToken: string | null; region: string }
/** https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html */
export interface AwsBearer { kind: 'bearer'; token: string; region: string }
export type AwsCredential = AwsKeys | AwsBearer

/** What is signed. All of `headers` are, so that they must reach AWS unchanged; names are in lower case. */
export interface SignableRequest {
  method: string
  host: string
  /** As it is sent: percent-encoded once, without a query. */
  path: string
  query?: string
  headers: Readonly<Record<string, string>>
  body: Buffer | string
}

const algorithm = 'AWS4-HMAC-SHA256'
const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer | string, data: string): Buffer => createHmac('sha256', key).update(data).digest()

/** One credential for one service. The key that signs is derived once a day. */
export class AwsSigner {
  readonly #keys: AwsKeys
  readonly #service: string
  #day = ''
  #dayKey: Buffer = Buffer.alloc(0)

  constructor(keys: AwsKeys, service: string) {
    this.#keys = keys
    this.#service = service
  }

  /** Headers to send beside those that were given. */
  sign(request: SignableRequest, nowMs: number): Record<string, string> {
    const { accessKeyId, sessionToken, region } = this.#keys
    const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
    const own: Record<string, string> = { 'x-amz-date': time }
    if (sessionToken !== null) own['x-amz-security-token'] = sessionToken
    const canonical = canonicalRequest(request, { ...request.headers, host: request.host, ...own })
    const scope = `${time.slice(0, 8)}/${region}/${this.#service}/aws4_request`
    const signature = hmac(this.#keyOf(time.slice(0, 8)), `${algorithm}\n${time}\n${scope}\n${sha256(canonical.text)}`).toString('hex')
    return { ...own, authorization: `${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${canonical.signed}, Signature=${signature}` }
  }

  #keyOf(day: string): Buffer {
    if (day === this.#day) return this.#dayKey
    const { secretAccessKey, region } = this.#keys
    this.#dayKey = [region, this.#service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secretAccessKey}`, day))
    this.#day = day
    return this.#dayKey
  }
}

/** The text whose hash is signed, and the names of the headers in it. */
export function canonicalRequest({ method, path, query = '', body }: SignableRequest, headers: Readonly<Record<string, string>>): { text: string; signed: string } {
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name]!.trim().replace(/\s+/g, ' ')}\n`).join('')
  const signed = names.join(';')
  return { text: `${method}\n${canonicalPath(path)}\n${canonicalQuery(query)}\n${lines}\n${signed}\n${sha256(body)}`, signed }
}

/** RFC 3986 keeps these alone. */
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/** Without dots and empty segments, and encoded once more: the colon of a model, sent as `%3A`, is signed as `%253A`. */
function canonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map((pair) => {
    const at = pair.indexOf('=')
    const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    return { name: encode(decodeURIComponent(name)), value: encode(decodeURIComponent(value)) }
  })
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return pairs.sort((a, b) => order(a.name, b.name) || order(a.value, b.value)).map(({ name, value }) => `${name}=${value}`).join('&')
}

export const bedrockHost = (region: string): string => `bedrock-runtime.${region}.amazonaws.com`

/**
 * A credential by the names that AWS gives to its parts: `AWS_BEARER_TOKEN_BEDROCK`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`,
 * with `AWS_SESSION_TOKEN` where they are temporary; `AWS_REGION` with both. A text tells what is wrong with it.
 */
export function awsCredential(parts: Readonly<Record<string, string | undefined>>): AwsCredential | string {
  const part = (name: string): string => parts[name]?.trim() ?? ''
  const region = part('AWS_REGION') || part('AWS_DEFAULT_REGION')
  if (region === '') return 'AWS_REGION is missing: the region whose Bedrock is to be called, for example us-east-1.'
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(region)) return `AWS_REGION is "${region.slice(0, 40)}", which is no region. Write it as AWS does, for example us-east-1.`
  const token = part('AWS_BEARER_TOKEN_BEDROCK')
  if (token !== '') return /^[\x21-\x7e]+$/.test(token) ? { kind: 'bearer', token, region } : 'AWS_BEARER_TOKEN_BEDROCK has characters that no API key has. Copy it again, without spaces or line breaks.'
  const accessKeyId = part('AWS_ACCESS_KEY_ID')
  const secretAccessKey = part('AWS_SECRET_ACCESS_KEY')
  const sessionToken = part('AWS_SESSION_TOKEN') || null
  if (accessKeyId === '' && secretAccessKey === '') return 'There is no AWS credential. Give AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
  if (accessKeyId === '') return 'AWS_ACCESS_KEY_ID is missing. It belongs to AWS_SECRET_ACCESS_KEY.'
  if (secretAccessKey === '') return 'AWS_SECRET_ACCESS_KEY is missing. It belongs to AWS_ACCESS_KEY_ID.'
  if (!/^\w{16,128}$/.test(accessKeyId)) return 'AWS_ACCESS_KEY_ID is no access key id: those have 16 to 128 letters and digits and mostly begin with AKIA or ASIA.'
  if (/\s/.test(secretAccessKey)) return 'AWS_SECRET_ACCESS_KEY has a space or a line break in it. Copy it again.'
  if (accessKeyId.startsWith('ASIA') && sessionToken === null) return 'AWS_ACCESS_KEY_ID begins with ASIA, so it is temporary: AWS_SESSION_TOKEN has to be given with it.'
  return { kind: 'keys', accessKeyId, secretAccessKey, sessionToken, region }
}

/**
 * What authorises requests with one credential, where a header that says it is not enough: a signature over each request, or a token that
 * is fetched for it. Wrong credentials are told apart from refused ones: a text says what is wrong, a `CredentialError` what the vendor says.
 */
import { needsAuthority, type Scheme, type Vendor } from '../provider.ts'
import { awsCredential, AwsSigner, type AwsKeys } from './aws-sigv4.ts'
import { entraGrant, isGuid } from './entra.ts'
import { googleGrant, isMachines } from './google.ts'
import { partsOf } from './parts.ts'
import { CredentialError, TokenSource, type Send } from './token.ts'

export interface Sent {
  method: string
  /** As it is sent, with its query. */
  path: string
  headers: Readonly<Record<string, string>>
  body: Buffer | string | null
}

type Headers = Record<string, string>

export interface Authority {
  /** To be sent beside those of the request; a promise only while a token has to be fetched. */
  headers(request: Sent): Headers | Promise<Headers>
  /** The vendor answered 401 to a request with these headers. True: another try may do. */
  refused(headers: Readonly<Headers>): boolean
}

export interface AuthorityTools {
  nowMs: () => number
  send: Send
  /** A token was fetched for a credential of this vendor, or was not. */
  onFetch: (vendor: string, failed: CredentialError | null) => void
}

type Account = Pick<Vendor, 'auth' | 'name'> & { origin: string }

/** Null: the credential needs none. A text tells what is wrong with it. */
export function authorityFor({ auth, name, origin }: Account, secret: string, { nowMs, send, onFetch }: AuthorityTools): Authority | string | null {
  if (typeof auth !== 'object' || !('scheme' in auth) || !needsAuthority({ auth }, secret)) return null
  if (auth.scheme === 'aws') {
    const region = regionOf(origin)
    const credential = awsCredential({ AWS_REGION: region, ...partsOf(secret) })
    if (typeof credential === 'string') return credential
    if (region !== '' && region !== credential.region) return `AWS_REGION is "${credential.region}", and the base URL is in ${region}. Leave AWS_REGION out of the credential, or make a provider with a base URL in that region.`
    return credential.kind === 'keys' ? new Signing(credential, auth.service, origin, nowMs) : { headers: () => ({ authorization: `Bearer ${credential.token}` }), refused: () => false }
  }
  const grant = auth.scheme === 'google' ? googleGrant(secret) : entraGrant(secret, auth.scope)
  return typeof grant === 'string' ? grant : new Tokens(new TokenSource({ grant, send, nowMs, onFetch: (failed) => onFetch(name, failed) }))
}

/** What is wrong with a credential that comes from a person, before anybody is asked; null: nothing that shows. */
export function wrongCredential(account: Account, secret: string): string | null {
  const { auth } = account
  if (typeof auth === 'object' && 'scheme' in auth && auth.scheme === 'google' && isMachines(secret)) {
    return 'This credential stands for the machine that the gateway runs on, so it is taken from the environment only: set VERTEX_CREDENTIALS or GOOGLE_APPLICATION_CREDENTIALS there.'
  }
  const wrong = typeof auth === 'object' && 'scheme' in auth ? wrongText(auth.scheme, secret) : null
  if (wrong !== null) return wrong
  const made = authorityFor(account, secret, { nowMs: () => 0, send: () => Promise.reject(new Error('nobody is asked')), onFetch: () => undefined })
  return typeof made === 'string' ? made : null
}

/** Texts that are mistaken for a key. */
function wrongText(scheme: Scheme['scheme'], secret: string): string | null {
  if (secret.startsWith('{')) return partsOf(secret) === null ? 'The credential begins with { and is not valid JSON. Paste the whole of it, from { to }.' : null
  switch (scheme) {
    case 'aws': return /^(AKIA|ASIA)[A-Z0-9]{12,}$/.test(secret) ? 'This is the id of an access key, which is nothing without its secret. Give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a key of Bedrock.' : null
    case 'entra': return isGuid(secret) ? 'This is an id of Entra ID and no key. Give AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or a key of the resource.' : null
    case 'google':
      if (secret.startsWith('-----BEGIN')) return 'This is the private key alone. Paste the whole file that Google handed out, from { to }.'
      return /^[~./]|\.json$/.test(secret) ? 'This is the path of a file. Paste what is in the file, or set GOOGLE_APPLICATION_CREDENTIALS to the path.' : null
  }
}

/** `bedrock-runtime.us-east-1.amazonaws.com`, also behind a private endpoint. */
const regionOf = (origin: string): string => /\b[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}\b/.exec(new URL(origin).hostname)?.[0] ?? ''

class Signing implements Authority {
  readonly #signer: AwsSigner
  readonly #host: string
  readonly #nowMs: () => number

  constructor(keys: AwsKeys, service: string, origin: string, nowMs: () => number) {
    this.#signer = new AwsSigner(keys, service)
    this.#host = new URL(origin).host
    this.#nowMs = nowMs
  }

  /** Only what no proxy on the way changes. */
  headers({ method, path, headers, body }: Sent): Headers {
    const [plain, query = ''] = path.split('?') as [string, string?]
    const type = headers['content-type']
    return this.#signer.sign({ method, host: this.#host, path: plain, query, headers: type === undefined ? {} : { 'content-type': type }, body: body ?? '' }, this.#nowMs())
  }

  refused(): boolean { return false }
}

class Tokens implements Authority {
  readonly #source: TokenSource

  constructor(source: TokenSource) {
    this.#source = source
  }

  headers(): Headers | Promise<Headers> {
    const token = this.#source.get()
    return typeof token === 'string' ? withToken(token) : token.then(withToken)
  }

  refused({ authorization = '' }: Readonly<Headers>): boolean {
    return this.#source.forget(authorization.slice('Bearer '.length))
  }
}

const withToken = (token: string): Headers => ({ authorization: `Bearer ${token}` })

/** Credentials whose tokens are kept: those of the operator, and of organisations. */
const mostKept = 5_000

/** The authorities of a process, so that requests share tokens, also over changes of the configuration. */
export class Authorities {
  /** Tokens that were fetched, and that could not be. */
  fetched = 0
  failed = 0
  readonly #tools: AuthorityTools
  /** By secret, then by what it is used for. */
  readonly #kept = new Map<string, Map<string, Authority>>()

  constructor(tools: AuthorityTools) {
    const { onFetch } = tools
    this.#tools = {
      ...tools,
      onFetch: (vendor, failed) => {
        if (failed === null) this.fetched++
        else this.failed++
        onFetch(vendor, failed)
      },
    }
  }

  /** Null: the credential needs none. Throws a `CredentialError` for one that cannot be used. */
  of(account: Account, secret: string): Authority | null {
    if (!needsAuthority(account, secret)) return null
    const use = `${(account.auth as { scope?: string }).scope ?? ''} ${account.origin}`
    const kept = this.#kept.get(secret)?.get(use)
    if (kept !== undefined) return kept
    const made = authorityFor(account, secret, this.#tools)
    if (typeof made === 'string') throw new CredentialError(made, 401)
    if (made === null) return null
    let uses = this.#kept.get(secret)
    if (uses === undefined) {
      uses = new Map()
      this.#kept.set(secret, uses)
      if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value!)
    }
    uses.set(use, made)
    return made
  }
}

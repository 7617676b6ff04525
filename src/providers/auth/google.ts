/**
 * Tokens of Google Cloud for the forms in which Google hands out credentials: a service account's key, a person's log-in by gcloud, workload
 * identity federation, and the metadata server of its machines. Tokens come from Google's own addresses whatever the credential says,
 * and files or addresses of this machine are read only for a credential of the operator's environment.
 * https://google.aip.dev/auth/4110, https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { machineIdentity } from '../provider.ts'
import { partsOf, type Parts } from './parts.ts'
import { askForToken, CredentialError, tokenOf, type Grant, type Send, type Token } from './token.ts'

const scope = 'https://www.googleapis.com/auth/cloud-platform'
const tokenUrl = 'https://oauth2.googleapis.com/token'
/** Older keys name older addresses of the same server. */
const ownTokenUrls = new Set([tokenUrl, 'https://accounts.google.com/o/oauth2/token', 'https://www.googleapis.com/oauth2/v4/token', 'https://www.googleapis.com/oauth2/v3/token'])
const metadataUrl = 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token'
const tokenLifeS = 3600
const fileBytes = 64 * 1024

/** Only from the operator's environment: it leads to this machine. */
export const isMachines = (secret: string): boolean => secret === machineIdentity || partsOf(secret)?.['type'] === 'external_account'

/** How a token is got; a text says what is wrong with the credential. */
export function googleGrant(secret: string): Grant | string {
  if (secret === machineIdentity) return async (send) => tokenOf(await askForToken(send, 'The metadata server', { url: metadataUrl, headers: { 'metadata-flavor': 'Google' }, inside: true }, ''), 'The metadata server')
  const parts = partsOf(secret)
  if (parts === null) return 'The credential is neither an API key nor JSON. Paste the whole file that Google handed out, from { to }.'
  const domain = parts['universe_domain'] ?? 'googleapis.com'
  if (domain !== 'googleapis.com') return `The credential is for ${domain.slice(0, 60)}; only those of googleapis.com can be used.`
  switch (parts['type']) {
    case 'service_account': return serviceAccount(parts, secret)
    case 'authorized_user': return authorizedUser(parts, secret)
    case 'external_account': return externalAccount(parts, secret)
    default: return `The credential is of type "${(parts['type'] ?? '').slice(0, 40)}". Use the JSON key of a service account, or JSON of the types authorized_user or external_account.`
  }
}

const missing = (parts: Parts, names: readonly string[]): string | null => {
  const name = names.find((each) => !parts[each])
  return name === undefined ? null : `The credential has no "${name}". Paste the whole file that Google handed out.`
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const form = (members: Record<string, string>): { body: string; headers: Record<string, string> } => ({ body: new URLSearchParams(members).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } })

function serviceAccount(parts: Parts, secret: string): Grant | string {
  const wrong = missing(parts, ['client_email', 'private_key'])
  if (wrong !== null) return wrong
  const { client_email: iss, private_key: pem, private_key_id: kid, token_uri: named = tokenUrl } = parts as Record<'client_email' | 'private_key' | 'private_key_id' | 'token_uri', string>
  if (!ownTokenUrls.has(named)) return `The credential names ${named.slice(0, 80)} as token_uri, which is not Google's. Take the file as Google handed it out.`
  const key = rsaKey(pem)
  if (key === null) return 'The "private_key" of the credential cannot be read. Paste the file as it is: line breaks in the key are written \\n.'
  return async (send, nowMs) => {
    const iat = Math.floor(nowMs / 1000)
    const text = `${base64url({ alg: 'RS256', typ: 'JWT', kid })}.${base64url({ iss, scope, aud: tokenUrl, iat, exp: iat + tokenLifeS })}`
    const assertion = `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
    return tokenOf(await askForToken(send, 'Google', { url: tokenUrl, ...form({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) }, secret), 'Google')
  }
}

function rsaKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'rsa' ? key : null
  } catch {
    return null
  }
}

function authorizedUser(parts: Parts, secret: string): Grant | string {
  const wrong = missing(parts, ['client_id', 'client_secret', 'refresh_token'])
  if (wrong !== null) return wrong
  const { client_id, client_secret, refresh_token } = parts as Record<'client_id' | 'client_secret' | 'refresh_token', string>
  return async (send) => tokenOf(await askForToken(send, 'Google', { url: tokenUrl, ...form({ grant_type: 'refresh_token', client_id, client_secret, refresh_token }) }, secret), 'Google')
}

/** https://google.aip.dev/auth/4117; regional addresses: https://cloud.google.com/iam/docs/reference/sts/rest */
const exchangeUrl = /^https:\/\/sts\.(?:[a-z0-9-]+\.rep\.)?googleapis\.com\/v1\/token$/
const impersonationUrl = /^https:\/\/iamcredentials\.(?:[a-z0-9-]+\.rep\.)?googleapis\.com\/v1\/projects\/-\/serviceAccounts\/[^/?#]+:generateAccessToken$/

interface Source { file?: string; url?: string; headers?: Record<string, string>; format?: { type?: string; subject_token_field_name?: string } }

function externalAccount(parts: Parts, secret: string): Grant | string {
  const wrong = missing(parts, ['audience', 'subject_token_type', 'token_url', 'credential_source'])
  if (wrong !== null) return wrong
  const { audience, subject_token_type, token_url: url, credential_source, service_account_impersonation_url: impersonate } = parts as Record<string, string>
  if (!exchangeUrl.test(url!)) return 'The "token_url" of the credential is not Google\'s. Take the file as Google handed it out.'
  if (impersonate !== undefined && !impersonationUrl.test(impersonate)) return 'The "service_account_impersonation_url" of the credential is not Google\'s. Take the file as Google handed it out.'
  const source = JSON.parse(credential_source!) as Source
  if (typeof source.file !== 'string' && (typeof source.url !== 'string' || !URL.canParse(source.url))) return 'The "credential_source" of the credential is neither a file nor a url, the two that can be used.'
  return async (send, nowMs) => {
    const subject_token = await subjectToken(send, source)
    const asked = form({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', audience: audience!, scope, requested_token_type: 'urn:ietf:params:oauth:token-type:access_token', subject_token, subject_token_type: subject_token_type! })
    const token = tokenOf(await askForToken(send, 'Google', { url: url!, ...asked }, secret), 'Google')
    return impersonate === undefined ? token : impersonated(send, impersonate, token, nowMs)
  }
}

/** The token by which the surroundings prove who this machine is. */
async function subjectToken(send: Send, { file, url, headers = {}, format = {} }: Source): Promise<string> {
  const where = file ?? url!
  const text = file === undefined ? await fetched(send, url!, headers) : await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new CredentialError(`${file}, which the credential names, cannot be read (${error.code ?? error.name}).`, 503) })
  if (text.length > fileBytes) throw new CredentialError(`${where}, which the credential names, holds more than a token.`, 503)
  const token = format.type === 'json' ? partsOf(text.trim())?.[format.subject_token_field_name ?? ''] : text.trim()
  if (!token) throw new CredentialError(`${where}, which the credential names, holds no token.`, 503)
  return token
}

async function fetched(send: Send, url: string, headers: Record<string, string>): Promise<string> {
  const { status, text } = await send({ url, headers, inside: true })
  if (status !== 200) throw new CredentialError(`${url}, which the credential names, answered with status ${status}.`, 503)
  return text
}

async function impersonated(send: Send, url: string, { text }: Token, nowMs: number): Promise<Token> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${text}` }
  const { accessToken, expireTime } = await askForToken(send, 'Google', { url, headers, body: JSON.stringify({ scope: [scope], lifetime: `${tokenLifeS}s` }) }, text)
  return tokenOf({ access_token: accessToken, expires_in: (Date.parse(String(expireTime)) - nowMs) / 1000 }, 'Google')
}

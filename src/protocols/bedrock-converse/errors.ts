/**
 * Errors of AWS: their type stands in the header `x-amzn-errortype`, in `__type` or in the name of an event, their words under `message`.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
 */
import { exceptionFrame } from '../../wire/aws-event-stream.ts'
import type { ChatError, Json, JsonObject } from '../canonical.ts'
import type { FaultClass, SaidError, UpstreamFault } from '../protocol.ts'
import { isObject, isText, parsed } from './json.ts'

/** Status by type, in lower case and without its ending. */
const statuses: Readonly<Record<string, number>> = {
  validation: 400, servicequotaexceeded: 400, serializationexception: 400, incompletesignature: 400, missingauthenticationtoken: 403,
  accessdenied: 403, unrecognizedclient: 403, invalidsignature: 403, signaturedoesnotmatch: 403, expiredtoken: 403, requestexpired: 403, invalidclienttokenid: 403, optinrequired: 403, notauthorized: 403,
  resourcenotfound: 404, unknownoperation: 404, modeltimeout: 408, conflict: 409, modelerror: 424, modelstreamerror: 424,
  throttling: 429, toomanyrequests: 429, modelnotready: 429, internalserver: 500, internalfailure: 500, internalerror: 500, serviceunavailable: 503, damagedstream: 502,
}
const keyOf = (type: string): string => type.toLowerCase().replace(/(exception|error)?$/, '')
const statusOf = (type: string): number | null => {
  const lower = type.toLowerCase()
  return statuses[keyOf(type)] ?? statuses[lower] ?? null
}

/** `namespace#Type:address` of a header or a member. */
export const typeName = (text: string): string => text.split(':')[0]!.split('#').at(-1)!.slice(0, 64)

export function faultOf(type: string | null, body: Json | undefined): UpstreamFault | null {
  if (!isObject(body)) return type === null ? null : { code: type, type, message: type, status: statusOf(type) }
  const told = body['__type'] ?? body['code']
  const name = type ?? (isText(told) ? typeName(told) : null)
  const words = [body['message'], body['Message'], body['originalMessage']].find(isText)
  if (name === null && words === undefined) return null
  const original = body['originalStatusCode']
  const status = typeof original === 'number' && original >= 400 && original < 600 ? original : name === null ? null : statusOf(name)
  return { code: name, type: name, message: (words ?? name ?? '').slice(0, 500), status }
}

export function readError(body: Buffer, headers: Readonly<Record<string, string | string[] | undefined>> = {}): UpstreamFault | null {
  const type = headers['x-amzn-errortype']
  return faultOf(typeof type === 'string' && type !== '' ? typeName(type) : null, parsed(body.toString()))
}

/** An exception within a stream. */
export function errorOf(type: string, data: string): ChatError {
  const fault = faultOf(typeName(type), parsed(data) ?? {})!
  return { status: fault.status ?? 502, code: fault.code, kind: fault.type, message: fault.message }
}

const contextWindow = /input is too long|prompt is too long|too many (total text bytes|input tokens)|exceeds? (the )?(context|maximum|model'?s)[^.]{0,40}(length|limit|window|tokens)|context (length|window|limit)|maximum context|exceed context limit/i
const contentPolicy = /guardrail|content (policy|filter)|filtered|blocked by|responsible ai|safety/i
const notServed = /model identifier is invalid|on-demand throughput isn.t supported|end of its life|model version has reached|isn't supported in this region|inference profile .{0,40}(not found|invalid)/i
const aboutCredentials = /security token|signature|credential|api key|authentication|clock/i
const credentialTypes = new Set(['accessdenied', 'unrecognizedclient', 'invalidsignature', 'signaturedoesnotmatch', 'expiredtoken', 'requestexpired', 'incompletesignature', 'missingauthenticationtoken', 'invalidclienttokenid', 'optinrequired', 'notauthorized'])

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const effective = status >= 400 ? status : fault?.status ?? 500
  const type = keyOf(fault?.type ?? '')
  const words = fault?.message ?? ''
  if (effective === 401 || effective === 403 || credentialTypes.has(type)) return 'auth'
  if (type === 'servicequotaexceeded') return 'quota'
  // A model that is being loaded, not a limit of the account.
  if (effective === 429) return type === 'modelnotready' || /not ready/i.test(words) ? 'overloaded' : 'rate_limit'
  if (effective === 408) return 'timeout'
  if (effective === 404) return 'not_found'
  if (effective === 503 || effective === 529) return /throttl|too many requests/i.test(words) ? 'rate_limit' : 'overloaded'
  if (effective === 424 || effective >= 500) return type === 'damagedstream' ? 'truncated' : 'server'
  if (contextWindow.test(words)) return 'context_window'
  if (aboutCredentials.test(words) && /expired|invalid|missing|skew|not (yet )?(current|valid)|does not match/i.test(words)) return 'auth'
  if (notServed.test(words)) return 'not_found'
  if (contentPolicy.test(words)) return 'content_policy'
  return 'request'
}

/** Type by the status of an error that is ours to tell. */
function typeFor(status: number): string {
  if (status === 401 || status === 403) return 'AccessDeniedException'
  if (status === 404) return 'ResourceNotFoundException'
  if (status === 408 || status === 504) return 'ModelTimeoutException'
  if (status === 429) return 'ThrottlingException'
  if (status === 424) return 'ModelErrorException'
  if (status === 503 || status === 529) return 'ServiceUnavailableException'
  return status >= 500 ? 'InternalServerException' : 'ValidationException'
}

/** Not under `code`, in which SDKs look for the type first. */
const said = ({ message, code, requestId }: SaidError, type: string): JsonObject => ({ __type: type, message, reason: code, requestId })

export const errorBody = (error: SaidError): string => JSON.stringify(said(error, typeFor(error.status)))
export const idHeader = 'x-amzn-requestid'
export const errorHeaders = ({ status }: SaidError): Record<string, string> => ({ 'x-amzn-errortype': typeFor(status) })

/** The exceptions that a stream may tell. */
function streamType(status: number): string {
  if (status === 429) return 'throttlingException'
  if (status === 503 || status === 529) return 'serviceUnavailableException'
  if (status >= 500) return 'internalServerException'
  return status === 424 ? 'modelStreamErrorException' : 'validationException'
}

/** A frame, as text of one character a byte. */
export const errorEvent = (error: SaidError): string => exceptionFrame(streamType(error.status), JSON.stringify(said(error, streamType(error.status)))).toString('latin1')
export const writeError = ({ status, message }: ChatError): string => exceptionFrame(streamType(status), JSON.stringify({ message })).toString('latin1')

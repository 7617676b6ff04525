/** Refusals as vendors of each format word them, and what they mean; sources beside them. */
import type { JsonObject } from '../../src/protocols/canonical.ts'

export type Meaning = 'context_window' | 'content_policy' | 'rate_limit' | 'overloaded' | 'auth' | 'not_found' | 'server' | 'quota' | 'request'

/** Whether and when to try again is told with those headers, or by Google in the body; both in 7 s. */
export interface VendorError { format: string; meaning: Meaning; status: number; body: JsonObject; headers?: Record<string, string> }

const openai = (format: string, meaning: Meaning, status: number, error: JsonObject, headers: Record<string, string> = {}): VendorError => ({ format, meaning, status, body: { error: { param: null, ...error } }, headers })
const anthropic = (meaning: Meaning, status: number, type: string, message: string, headers: Record<string, string> = {}): VendorError => ({ format: 'anthropic-messages', meaning, status, body: { type: 'error', error: { type, message }, request_id: 'req_011' }, headers })
const google = (meaning: Meaning, code: number, status: string, message: string, details: JsonObject[] = []): VendorError => ({ format: 'gemini-generate', meaning, status: code, body: { error: { code, message, status, ...(details.length > 0 && { details }) } } })
const aws = (meaning: Meaning, status: number, type: string, message: string): VendorError => ({ format: 'bedrock-converse', meaning, status, body: { message }, headers: { 'x-amzn-errortype': type } })
const cohere = (meaning: Meaning, status: number, message: string): VendorError => ({ format: 'cohere-chat', meaning, status, body: { id: '1', message } })
const ollama = (meaning: Meaning, status: number, error: string): VendorError => ({ format: 'ollama-chat', meaning, status, body: { error } })

/** https://platform.openai.com/docs/guides/error-codes */
const ofOpenai = (format: string): VendorError[] => [
  openai(format, 'context_window', 400, { message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.", type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' }),
  openai(format, 'content_policy', 400, { message: 'Your request was rejected as a result of our safety system.', type: 'invalid_request_error', code: 'content_policy_violation' }),
  openai(format, 'rate_limit', 429, { message: 'Rate limit reached for gpt-5 on tokens per min (TPM).', type: 'tokens', code: 'rate_limit_exceeded' }, { 'retry-after': '7', 'x-ratelimit-remaining-tokens': '0' }),
  openai(format, 'quota', 429, { message: 'You exceeded your current quota, please check your plan and billing details.', type: 'insufficient_quota', code: 'insufficient_quota' }),
  openai(format, 'auth', 401, { message: 'Incorrect API key provided.', type: 'invalid_request_error', code: 'invalid_api_key' }),
  openai(format, 'not_found', 404, { message: 'The model `gpt-9` does not exist or you do not have access to it.', type: 'invalid_request_error', code: 'model_not_found' }),
  openai(format, 'overloaded', 503, { message: 'The engine is currently overloaded, please try again later.', type: 'server_error', code: null }),
  openai(format, 'server', 500, { message: 'The server had an error while processing your request.', type: 'server_error', code: null }),
]

export const vendorErrors: readonly VendorError[] = [
  ...ofOpenai('openai-chat'), ...ofOpenai('openai-responses'),
  // https://platform.claude.com/docs/en/api/errors
  anthropic('context_window', 400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'),
  anthropic('content_policy', 400, 'invalid_request_error', 'Output blocked by content filtering policy'),
  anthropic('rate_limit', 429, 'rate_limit_error', 'This request would exceed the rate limit for your organization of 50,000 input tokens per minute.', { 'retry-after': '7', 'anthropic-ratelimit-input-tokens-remaining': '0' }),
  anthropic('quota', 400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.'),
  anthropic('auth', 401, 'authentication_error', 'invalid x-api-key'),
  anthropic('not_found', 404, 'not_found_error', 'model: claude-9'),
  anthropic('overloaded', 529, 'overloaded_error', 'Overloaded'),
  anthropic('server', 500, 'api_error', 'Internal server error'),
  // https://ai.google.dev/gemini-api/docs/troubleshooting
  google('context_window', 400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'),
  google('rate_limit', 429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).', [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '6.4s' }]),
  google('auth', 400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.'),
  google('auth', 403, 'PERMISSION_DENIED', 'Permission denied on resource project x.'),
  google('not_found', 404, 'NOT_FOUND', 'models/gemini-9 is not found for API version v1beta.'),
  google('overloaded', 503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'),
  google('server', 500, 'INTERNAL', 'An internal error has occurred.'),
  // https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
  aws('context_window', 400, 'ValidationException', 'Input is too long for requested model.'),
  aws('rate_limit', 429, 'ThrottlingException', 'Too many requests, please wait before trying again.'),
  aws('auth', 403, 'AccessDeniedException', "You don't have access to the model with the specified model ID."),
  aws('overloaded', 503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'),
  aws('server', 500, 'InternalServerException', 'The system encountered an unexpected error during processing.'),
  // https://docs.cohere.com/reference/errors
  cohere('context_window', 400, 'too many tokens: total number of tokens in the prompt cannot exceed 128000'),
  cohere('rate_limit', 429, "You are using a Trial key, which is limited to 20 API calls / minute."),
  cohere('auth', 401, 'invalid api token'),
  cohere('not_found', 404, "model 'command-x' not found, make sure the correct model ID was used and that you have access to the model."),
  cohere('server', 500, 'internal server error'),
  // https://docs.ollama.com/api/errors
  ollama('not_found', 404, "model 'qwen9' not found"),
  ollama('overloaded', 503, 'server busy, please try again.  maximum pending requests exceeded'),
  ollama('server', 500, 'llama runner process has terminated'),
]

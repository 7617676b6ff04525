/** What a vendor says in an error, whatever form it has, cut to one line without anything like a key: fit for an answer, a log and a page. */

const mostLetters = 300
const mostDepth = 4

/** The text within OpenAI’s form and its imitations: `{error: {message}}`, `{error: "…"}`, `{detail: [{msg}]}`, `[{error}]`, problem details, a bare string. */
function textIn(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || depth > mostDepth) return null
  if (Array.isArray(value)) return textIn(value[0], depth + 1)
  const fields = value as Record<string, unknown>
  for (const name of ['error', 'errors', 'message', 'detail', 'msg', 'error_message', 'title']) {
    const text = fields[name] === undefined ? null : textIn(fields[name], depth + 1)
    if (text !== null && text.trim() !== '') return text
  }
  return null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A plain sentence is the vendor's own words; a page is not.
    return /^\s*</.test(text) ? null : text
  }
}

const sharedLetters = 6

/** A word that holds a piece of the secret, that hides a part of something, or that is long and random. */
function isLikeKey(word: string, secret: string): boolean {
  if (/\*{2,}|•{2,}|\.{3}\w{2,}/.test(word)) return true
  for (let at = 0; at + sharedLetters <= secret.length; at++) if (word.includes(secret.slice(at, at + sharedLetters))) return true
  if (secret !== '' && secret.length < sharedLetters && word.includes(secret)) return true
  return /^https?:/.test(word) ? /[\w-]{24,}/.test(word) && /\d/.test(word) : /[\w+/=-]{20,}/.test(word) && /\d/.test(word)
}

/** Null where the vendor says nothing that could be shown. */
export function vendorWords(text: string, secret: string): string | null {
  const said = textIn(parsed(text))?.slice(0, 4 * mostLetters).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim() ?? ''
  if (said === '') return null
  // Where the secret itself has spaces it is no word.
  const whole = secret === '' ? said : said.replaceAll(secret, '[redacted]')
  const safe = whole.split(' ').map((word) => (isLikeKey(word, secret) ? '[redacted]' : word)).join(' ')
  return safe.length > mostLetters ? `${safe.slice(0, mostLetters).trimEnd()}…` : safe
}

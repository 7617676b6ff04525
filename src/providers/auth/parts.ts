/**
 * Credentials of several parts, such as an access key and its secret: one text of JSON whose members are texts, as Google hands out its own,
 * or named as the vendor's variables are. Any other text is one part: a key, or a token.
 */

export type Parts = Readonly<Record<string, string>>

/** Null: the text is no JSON object. Members that are no texts keep their JSON. */
export function partsOf(secret: string): Parts | null {
  if (!secret.startsWith('{')) return null
  try {
    const value = JSON.parse(secret) as Record<string, unknown>
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, typeof part === 'string' ? part.trim() : JSON.stringify(part)]))
  } catch {
    return null
  }
}

/** Parts that are no secrets, by which a person tells one credential from another. */
const names = ['AWS_ACCESS_KEY_ID', 'AZURE_CLIENT_ID', 'private_key_id', 'client_id', 'client_email', 'audience'] as const
const plainParts = new Set<string>([...names, 'type', 'project_id', 'quota_project_id', 'universe_domain', 'AWS_REGION', 'AZURE_TENANT_ID'])

/** The part whose end may be shown; the secret itself where it has only one. */
export function shownPart(secret: string): string {
  const parts = partsOf(secret)
  if (parts === null) return secret
  for (const name of names) if (parts[name] !== undefined) return parts[name]
  return ''
}

/** Addresses and what is short are quoted by everybody. */
const leastSecret = 12

/** Every text that must not be seen: the whole, and each part that is secret. */
export function secretsIn(secret: string): string[] {
  const parts = partsOf(secret)
  if (parts === null) return secret === '' ? [] : [secret]
  return [secret, ...Object.entries(parts).flatMap(([name, part]) => (plainParts.has(name) || part.length < leastSecret || /^(https?:|\{|\[)/.test(part) ? [] : [part]))]
}

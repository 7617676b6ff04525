/**
 * Model lists of keys: exact names and globs in which `*` stands for any text, also none. A hand-written matcher, since
 * patterns come from users and a regular expression made of them could take exponential time.
 */

/** Greedy match of the parts between stars: the first one anchored at the start, the last at the end. Linear in the name for each part. */
function matchesPattern(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === name
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  const end = name.length - last.length
  let from = first.length
  for (const part of rest) {
    const at = name.indexOf(part, from)
    if (at === -1 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}

/** Whether a list allows a model name. Null allows every model, an empty list none. */
export const matchesModel = (patterns: readonly string[] | null, name: string): boolean =>
  patterns === null || patterns.some((pattern) => matchesPattern(pattern, name))

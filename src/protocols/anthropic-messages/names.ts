/**
 * Names of tools and ids of calls in the letters that this format allows (`[a-zA-Z0-9_-]`), so that they can be read back without
 * remembering anything: `a.b` is `a_0x2e_b`, and a tool of a namespace is `namespace_0x_name`.
 */

/** Also an underscore that would begin an escape by itself. */
const strange = /_(?=0x)|[^a-zA-Z0-9_-]/gu
/** Without digits: the border. */
const escapes = /_0x([0-9a-f]{0,6})_/g
const border = '_0x_'

/** Longest name of a tool. */
const longestName = 128

export const writeId = (id: string): string => (plain.test(id) ? id : escaped(id))
export const readId = (id: string): string => (id.includes('_0x') ? unescaped(id) : id)

/** Nearly all names are. */
const plain = /^(?!.*_0x)[a-zA-Z0-9_-]*$/

export function writeName(name: string, namespace: string | undefined): string {
  const written = namespace === undefined ? writeId(name) : writeId(namespace) + border + writeId(name)
  // Nobody can read it back, but it names the same tool wherever it stands.
  return written.length > longestName ? `${written.slice(0, longestName - 9)}_${hash(written)}` : written
}

export const isCut = (name: string, namespace: string | undefined): boolean => writeId(name).length + (namespace === undefined ? 0 : writeId(namespace).length + border.length) > longestName

export function readName(written: string): { name: string; namespace?: string } {
  if (!written.includes(border)) return { name: readId(written) }
  escapes.lastIndex = 0
  for (let found = escapes.exec(written); found; found = escapes.exec(written)) {
    if (found[1] === '') return { name: readId(written.slice(escapes.lastIndex)), namespace: readId(written.slice(0, found.index)) }
  }
  return { name: readId(written) }
}

const escaped = (text: string): string => text.replace(strange, (character) => `_0x${character.codePointAt(0)!.toString(16)}_`)

function unescaped(text: string): string {
  return text.replace(escapes, (whole, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

/** FNV-1a, 32 bits. */
function hash(text: string): string {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return (sum >>> 0).toString(16).padStart(8, '0')
}

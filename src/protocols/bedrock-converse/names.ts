/** Names and ids as Bedrock takes them: those of tools can be turned back, the others are the same wherever they stand in a request. */
import { createHash } from 'node:crypto'

const mostNameLength = 64
/** A character that no name may have, and what would read like one that was replaced. */
const unfit = /[^a-zA-Z0-9_-]|_(?=x[0-9a-f]{1,6}(?:_|[^a-zA-Z0-9_-]))/gu
const replaced = /_x([0-9a-f]{1,6})_/g

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Turned back by `writtenToolName` unless it has to be cut. */
export function toolName(name: string): string {
  const fit = name.replace(unfit, (character) => `_x${character.codePointAt(0)!.toString(16)}_`) || '_'
  return fit.length <= mostNameLength ? fit : `${fit.slice(0, mostNameLength - 9)}_${digest(name).slice(0, 8)}`
}

export const isCut = (name: string): boolean => name.replace(unfit, (character) => `_x${character.codePointAt(0)!.toString(16)}_`).length > mostNameLength

/** As the client wrote it. */
export function writtenToolName(name: string): string {
  return name.includes('_x') ? name.replace(replaced, (all, code: string) => (Number.parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(Number.parseInt(code, 16)) : all)) : name
}

/** `short`: as Mistral wants them. */
export function toolUseId(id: string, short: boolean): string {
  if (short) return /^([a-zA-Z0-9]{9}|tooluse_[a-zA-Z0-9_-]{1,56})$/.test(id) ? id : digest(id).slice(0, 9)
  return /^[a-zA-Z0-9_.:-]{1,64}$/.test(id) ? id : `tooluse_${digest(id).slice(0, 24)}`
}

/** Underscores are accepted although they are not listed: https://github.com/aws-samples/generative-ai-use-cases/issues/1671 */
const fitDocument = /^[\w()[\]-]+( [\w()[\]-]+)*$/
const mostDocumentName = 200

/** Without an ending, of the characters that are allowed, and not yet `used` in the request, in which each has its own. */
export function documentName(wanted: string | undefined, used: Set<string>): string {
  let name = wanted ?? ''
  if (!fitDocument.test(name)) name = name.replace(/\.[a-zA-Z0-9]{1,5}$/, '').replace(/[^\w()[\]-]+/g, ' ').trim()
  name = name.slice(0, mostDocumentName).trim() || 'document'
  let own = name
  for (let count = 2; used.has(own.toLowerCase()); count++) own = `${name.slice(0, mostDocumentName - 8)} ${count}`
  used.add(own.toLowerCase())
  return own
}

/**
 * Names of tools as Cohere takes them: `A-Za-z0-9_`, no digit first (https://docs.cohere.com/reference/errors). Other characters are
 * written as `_x2d_`, their code in hexadecimal, and so is an underscore that would begin such a code by chance, so that the way back is exact.
 */

const allowed = /^(?![0-9])[A-Za-z0-9_]+$/
const code = /_x([0-9a-f]{1,4})_/
const codes = /_x([0-9a-f]{1,4})_/g
const replaced = /[^A-Za-z0-9_]|^[0-9]|_(?=x[0-9a-f]{1,4}[^A-Za-z0-9])/g

export function nameForCohere(name: string): string {
  if (allowed.test(name) && !code.test(name)) return name
  return name.replace(replaced, (character) => `_x${character.charCodeAt(0).toString(16)}_`)
}

export function nameFromCohere(name: string): string {
  return name.includes('_x') ? name.replace(codes, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : name
}

/** Names and ids within the bounds that the vendor checks: names of tools reversibly, since they come back in calls; ids by a mark that is the same for the same id. */

const allowed = /^[a-zA-Z0-9-]*$/
/** What is not allowed, and an underscore that would read as the beginning of an escape. */
const odd = /[^a-zA-Z0-9_-]|_(?=x[0-9a-f]{2,6}(?:_|[^a-zA-Z0-9_-]))/gu
const escape = /_x([0-9a-f]{2,6})_/g

/** `weather.now` is written `weather_x2e_now`. */
export const safeName = (name: string): string => (allowed.test(name) ? name : name.replace(odd, (character) => `_x${character.codePointAt(0)!.toString(16).padStart(2, '0')}_`))

export function realName(name: string): string {
  if (!name.includes('_x')) return name
  return name.replace(escape, (whole, code: string) => {
    const point = Number.parseInt(code, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}

const mostIdLength = 64

/** Ids of other vendors may be longer than this one takes. */
export const shortId = (id: string): string => (id.length <= mostIdLength ? id : `${id.slice(0, 40)}_${markOf(id)}`)

/** 64 bits of FNV-1a, as two halves: to tell ids of one request apart, not to keep a secret. */
function markOf(text: string): string {
  let [low, high] = [0x811c9dc5, 0x01000193]
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b)
  }
  return (low >>> 0).toString(36) + (high >>> 0).toString(36)
}

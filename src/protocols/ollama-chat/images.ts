/** Images stand in a message as base64 alone: what kind they are is told by their first bytes. */
import type { MediaPart } from '../canonical.ts'

/** Beginnings in base64 of the formats that models take. */
const beginnings: readonly [string, string][] = [['iVBORw0KGgo', 'image/png'], ['/9j/', 'image/jpeg'], ['R0lGOD', 'image/gif'], ['UklGR', 'image/webp']]

export function imageFrom(base64: string): MediaPart {
  const mediaType = beginnings.find(([beginning]) => base64.startsWith(beginning))?.[1]
  const image: MediaPart = { type: 'media', kind: 'image', source: { by: 'data', base64 } }
  return mediaType === undefined ? image : { ...image, mediaType }
}

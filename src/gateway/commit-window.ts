/** How long a stream's output is held back, so that one that breaks early can be mended by another attempt. */
import { limits } from '../limits.ts'
import type { SettingsData } from './snapshot.ts'

/** For the window only: money has learned ratios. */
const charsPerToken = 4

/** Over with the first meaningful frame (`sinceFirstMs` null: none yet), or as much later as the settings say; at once when too much is held. */
export function isWindowOver({ holdTokens, holdMs }: SettingsData['deadlines'], heldBytes: number, outputChars: number, sinceFirstMs: number | null): boolean {
  if (heldBytes > limits.streamBufferBytes) return true
  if (sinceFirstMs === null) return false
  if (holdTokens === 0 && holdMs === 0) return true
  return (holdTokens > 0 && outputChars >= holdTokens * charsPerToken) || (holdMs > 0 && sinceFirstMs >= holdMs)
}

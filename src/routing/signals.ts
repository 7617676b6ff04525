/**
 * What an event says about the quality of an answer: a value from 0 to 1 and how much it is trusted, or nothing. That a vendor could
 * not be reached, was slow or refused for load says nothing about quality, and must never move it.
 */

export type Signal =
  | { kind: 'feedback'; value: boolean | number }
  | { kind: 'schema' | 'tool_calls'; valid: boolean }
  | { kind: 'truncated' | 'refused' | 'regenerated' | 'switched_away' }
  | { kind: 'judge'; value: number }
  | { kind: 'unavailable' }

export interface Evidence { value: number; trust: number }

const clamp = (value: number): number => Math.min(1, Math.max(0, value))

/** Null: it says nothing about quality. */
export function evidenceOf(signal: Signal): Evidence | null {
  switch (signal.kind) {
    case 'feedback': return typeof signal.value === 'number' && !Number.isFinite(signal.value) ? null : { value: clamp(Number(signal.value)), trust: 1 }
    // That the form is right says less than that it is wrong.
    case 'schema':
    case 'tool_calls': return signal.valid ? { value: 1, trust: 0.2 } : { value: 0, trust: 0.7 }
    case 'truncated': return { value: 0, trust: 0.3 }
    case 'refused': return { value: 0, trust: 0.5 }
    case 'regenerated':
    case 'switched_away': return { value: 0, trust: 0.4 }
    case 'judge': return Number.isFinite(signal.value) ? { value: clamp(signal.value), trust: 0.7 } : null
    case 'unavailable': return null
  }
}

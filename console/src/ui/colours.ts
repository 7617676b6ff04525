/** A model, vendor or key keeps its colour on every page and in every period: assigned once, then remembered by this browser. */

export const palette = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)', 'var(--c7)'] as const
export const otherColour = 'var(--c0)'
const name = 'colours'

function remembered(): Record<string, number> {
  try {
    return JSON.parse(localStorage.getItem(name) ?? '{}') as Record<string, number>
  } catch {
    return {}
  }
}

/** Colours for at most seven things that are shown together; a remembered slot wins, taken ones move on. */
export function coloursFor(kind: string, ids: string[]): Map<string, string> {
  const slots = remembered()
  const taken = new Set<number>()
  const given = new Map<string, number>()
  for (const id of ids) {
    const slot = slots[`${kind}:${id}`]
    if (slot !== undefined && slot < palette.length && !taken.has(slot)) {
      given.set(id, slot)
      taken.add(slot)
    }
  }
  for (const id of ids) {
    if (given.has(id)) continue
    const slot = palette.findIndex((_, index) => !taken.has(index))
    given.set(id, slot)
    taken.add(slot)
    slots[`${kind}:${id}`] ??= slot
  }
  try {
    localStorage.setItem(name, JSON.stringify(slots))
  } catch {
    // Without storage, colours follow the ranking.
  }
  return new Map([...given].map(([id, slot]) => [id, palette[slot] ?? otherColour]))
}

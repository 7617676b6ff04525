/** Finds the name that a typing mistake most likely meant. */

/** Edits (insert, delete, replace, swap of neighbours) from one word to another. */
function distance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= from.length; row++) {
    const cells = [row]
    const above = rows[row - 1] ?? []
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      let best = Math.min(replaced, (above[column] ?? 0) + 1, (cells[column - 1] ?? 0) + 1)
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) best = Math.min(best, (rows[row - 2]?.[column - 2] ?? 0) + 1)
      cells.push(best)
    }
    rows.push(cells)
  }
  return rows[from.length]?.[to.length] ?? 0
}

/** Up to `count` candidates that differ from `name` in at most a third of its letters, nearest first. */
export function nearest(name: string, candidates: Iterable<string>, count: number): string[] {
  const asked = name.slice(0, 64).toLowerCase()
  const bound = Math.max(1, Math.ceil(asked.length / 3))
  return [...candidates]
    .map((candidate) => ({ candidate, edits: distance(asked, candidate.slice(0, 64).toLowerCase()) }))
    .filter(({ edits }) => edits <= bound)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, count)
    .map(({ candidate }) => candidate)
}

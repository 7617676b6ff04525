/** Suggestions for a misspelt model name: by edit distance, and by shared beginning and words where too much was left out. */

/** Longer input is cut: nobody misspells more, and the cost of a distance grows with the length. */
const comparedLength = 80

const simplify = (name: string): string => name.toLowerCase().slice(0, comparedLength).replaceAll(/[\s._:@/]+/g, '-')

/** Edit distance with adjacent transpositions, or `bound + 1` as soon as it must be larger. */
export function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) cost = Math.min(cost, before[column - 2]! + 1)
      current.push(cost)
    }
    if (Math.min(...current) > bound) return bound + 1
    before = previous
    previous = current
  }
  return previous[b.length]!
}

/** Up to `count` of `names`, nearest first; none when nothing resembles `asked`. */
export function nearestNames(asked: string, names: readonly string[], count: number): string[] {
  const wanted = simplify(asked.slice(asked.lastIndexOf('/') + 1))
  if (wanted === '') return []
  const bound = Math.max(2, Math.floor(wanted.length / 3))
  const wantedWords = new Set(wanted.split('-'))
  const scored: { name: string; score: number }[] = []
  for (const name of names) {
    const candidate = simplify(name)
    const distance = editDistance(wanted, candidate, bound)
    if (distance <= bound) {
      scored.push({ name, score: distance / wanted.length })
      continue
    }
    const words = candidate.split('-')
    const shared = words.filter(word => wantedWords.has(word)).length
    const resemblance = (2 * shared) / (words.length + wantedWords.size)
    if (candidate.startsWith(wanted) || shared === wantedWords.size || resemblance >= 0.6) scored.push({ name, score: 1.5 - resemblance })
  }
  scored.sort((a, b) => a.score - b.score || a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
  return scored.slice(0, count).map(each => each.name)
}

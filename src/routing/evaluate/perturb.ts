/** The same wish in other words: typing errors, other case, polite wrapping with plain synonyms. What a router chooses should hardly change. */

export const perturbations = ['typo', 'case', 'paraphrase'] as const
export type Perturbation = (typeof perturbations)[number]

const typoShare = 0.06
const openings = ['Could you please help me with this? ', 'I have a question. ', 'Hi! Here is something I would like you to do: ', 'Please answer the following. ']
const endings = ['\nThanks a lot!', '\nPlease take your time.', '\nThank you in advance.', '']
const synonyms: readonly (readonly [RegExp, string])[] = [
  [/\bcalculate\b/gi, 'work out'], [/\bdetermine\b/gi, 'find out'], [/\bfind\b/gi, 'figure out'], [/\bwhich of the following\b/gi, 'which one of these'], [/\bwhat is\b/gi, 'tell me what is'], [/\bwrite a function\b/gi, 'implement a function'],
  [/\bassume\b/gi, 'suppose'], [/\bsuppose\b/gi, 'let us say'], [/\bapproximately\b/gi, 'about'], [/\bexplain\b/gi, 'describe'], [/\bhowever\b/gi, 'but'], [/\btherefore\b/gi, 'so'], [/\bcontains\b/gi, 'has'], [/\blarge\b/gi, 'big'], [/\bobtain\b/gi, 'get'],
]

export function perturb(text: string, how: Perturbation, random: () => number): string {
  if (how === 'case') return random() < 0.5 ? text.toUpperCase() : text.toLowerCase()
  if (how === 'paraphrase') {
    let changed = text
    for (const [pattern, replacement] of synonyms) changed = changed.replaceAll(pattern, replacement)
    return `${openings[Math.floor(random() * openings.length)]}${changed}${endings[Math.floor(random() * endings.length)]}`
  }
  // Two neighbouring letters swapped, one dropped or one doubled.
  return text.replaceAll(/[A-Za-z]{3,}/g, (word) => {
    if (random() >= typoShare) return word
    const at = Math.floor(random() * (word.length - 1))
    const kind = random()
    if (kind < 0.5) return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2)
    return kind < 0.75 ? word.slice(0, at) + word.slice(at + 1) : word.slice(0, at + 1) + word.slice(at)
  })
}

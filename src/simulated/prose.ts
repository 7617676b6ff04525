/** What the simulated models say: short plain prose that never pretends to be a model's answer. */
import { between, type Random } from './random.ts'

const sentences = [
  'A request like this one travels through the same steps as any other: it is authenticated, admitted, routed, sent and metered.',
  'The tokens arrive at the pace of a real model, so that a chat window, a timeout or a progress bar can be tried in earnest.',
  'Usage and cost are counted exactly as they are for a real vendor, at prices that were invented for this purpose.',
  'Ask the same question again and you will read the same words, which makes this a calm partner for automated tests.',
  'If you close the connection now, the answer stops, and only what was delivered appears on the bill.',
  'Somewhere a lighthouse keeper writes the log of a quiet night: visibility good, sea calm, nothing to report.',
  'A good tool disappears in the hand; what remains is the work and the person who does it.',
  'The river does not hurry, and yet by morning it has moved a whole valley of sand.',
  'Three things make a plan better: a smaller first step, a date, and someone who will notice if it is missed.',
  'When two explanations fit, keep the one that tells you what to look at next.',
  'The kettle, the notebook and the window towards the garden were the entire laboratory.',
  'Measure before you change anything, change one thing, and measure again.',
  'To replace this voice with a real model, switch on a provider and use its model name instead of this one.',
  'Every list has a first line, every proof a first sentence, and every long walk a door that had to be opened.',
]
const thoughts = [
  'The question has to be read first.', 'There is no model behind these words, so nothing can be looked up.',
  'A short answer that says so plainly is the honest one.', 'The length should suit the question.',
  'It may help to mention how a real model is chosen.', 'Two or three sentences are enough.',
]

function shuffled(random: Random, lines: readonly string[], count: number): string[] {
  const rest = [...lines]
  return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(Math.floor(random() * rest.length), 1)[0] ?? '')
}

/** An answer to a prompt. */
export function prose(random: Random, prompt: string): string {
  const asked = prompt.replaceAll(/\s+/g, ' ').trim()
  const quoted = asked === '' ? '' : ` You wrote: “${asked.length > 72 ? `${Array.from(asked).slice(0, 70).join('')} …` : asked}”`
  return `This is a simulated answer: no model was asked.${quoted}\n\n${shuffled(random, sentences, between(random, 2, 6)).join(' ')}`
}

export const reasoning = (random: Random): string => `(Simulated reasoning.) ${shuffled(random, thoughts, between(random, 3, 6)).join(' ')}`

/** Cuts text into pieces of about four bytes, as a tokenizer would; joined they are the text again. */
export const pieces = (text: string): string[] => text.match(/\s*[^\s]{1,6}|\s+$/gu) ?? []

/** Tokens of a text that is only counted. */
export const tokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

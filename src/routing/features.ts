/**
 * Features of a text in one pass and without allocation: hashed words and pairs of words, each counted once, and some twenty
 * figures about its form. Case, width of letters, invisible characters, numbers and repetition are levelled, so that dressing a
 * prompt up changes little. It never fails: any string has features.
 */
import { languages, type Language } from './tasks.ts'

export const hashBits = 15
export const buckets = 1 << hashBits
export const formCount = 22
/** What stands at the end is the question itself; before it are examples and context, which count less. */
const tailChars = 600
export const contextWeight = 0.35
const mostGrams = 6_000

const kinds = { other: 0, letter: 1, digit: 2, space: 3, newline: 4, mark: 5 } as const
const classes = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code)
  classes[code] = char === '\n' ? kinds.newline : /\s/.test(char) ? kinds.space : /[a-z]/i.test(char) ? kinds.letter : /\d/.test(char) ? kinds.digit : code > 32 && code < 127 ? kinds.mark : kinds.other
}

const finish = (hash: number): number => {
  let mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

const common: Partial<Record<Language, string>> = {
  en: 'the of and to is that with which what for are this you from how', de: 'der die das und ist nicht ein eine mit für auf wie sind wird bitte', fr: 'le les des est une que pour dans avec sur vous quelle et pas du',
  es: 'el los las es una que para con por del como qué cuál y en', it: 'il gli che di una per con sono della come quale è nel non più', pt: 'os uma que para com não do da como são em qual você no mais', nl: 'het een van en is niet dat met voor zijn op wat hoe welke de',
}
/** Language of a frequent word by its bucket, 0: none. Words of two languages keep the first. */
const wordLanguage = new Uint8Array(buckets)
{
  for (const [language, words] of Object.entries(common)) {
    for (const word of words.split(' ')) {
      let hash = 0x811c9dc5
      for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193)
      const bucket = finish(hash) >>> (32 - hashBits)
      if (wordLanguage[bucket] === 0) wordLanguage[bucket] = languages.indexOf(language as Language)
    }
  }
}

const scripts = { none: 0, ideograph: 1, kana: 2, hangul: 3, cyrillic: 4, arabic: 5 } as const
const languageOfScript = [0, languages.indexOf('zh'), languages.indexOf('ja'), languages.indexOf('ko'), languages.indexOf('ru'), languages.indexOf('ar')]

function scriptOf(code: number): number {
  if (code < 0x400) return scripts.none
  if (code < 0x530) return scripts.cyrillic
  if (code >= 0x600 && code < 0x780) return scripts.arabic
  if (code >= 0x3040 && code < 0x3100) return scripts.kana
  if ((code >= 0x3400 && code < 0xa000) || (code >= 0xf900 && code < 0xfb00)) return scripts.ideograph
  return code >= 0xac00 && code < 0xd7b0 ? scripts.hangul : scripts.none
}

/** Invisible, joining and combining characters: they are skipped, so that they cannot cut words apart. */
const isInvisible = (code: number): boolean => code === 0xad || (code >= 0x300 && code < 0x370) || (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x2064) || code === 0xfeff || (code >= 0xfe00 && code <= 0xfe0f)

/** Reads one text at a time into its own buffers; they hold until the next `read`. */
export class Features {
  /** Buckets that occur, and how much each counts. */
  readonly grams = new Uint16Array(mostGrams)
  gramCount = 0
  /** Those of the text's end count fully and come first; the others count by `contextWeight`. */
  endCount = 0
  /** 1 / length of the vector of weights, 0 for an empty text. */
  scale = 0
  /** Figures about the form, each around 0 to 1. */
  readonly form = new Float32Array(formCount)
  language = 0
  readonly #stamps = new Uint32Array(buckets)
  #stamp = 0
  #squares = 0
  #previous = 0
  #all = 0
  readonly #scripts = new Uint32Array(6)
  readonly #votes = new Uint16Array(languages.length)
  // Counts of the pass, in the order of their use below.
  #letters = 0
  #words = 0
  #digits = 0
  #marks = 0
  #newlines = 0
  #foreign = 0
  #options = 0
  #lists = 0
  #code = 0
  #latex = 0
  #operators = 0
  #questions = 0
  #quotes = 0
  #braces = 0
  #links = 0
  #fences = 0

  read(text: string): void {
    this.#reset()
    const tail = Math.max(0, text.length - tailChars)
    this.#pass(text, tail, text.length, 1)
    this.endCount = this.gramCount
    if (tail > 0) {
      this.#previous = 0
      this.#pass(text, 0, tail, contextWeight)
    }
    this.scale = this.#squares > 0 ? 1 / Math.sqrt(this.#squares) : 0
    this.#measure(text)
    this.#speak()
  }

  #reset(): void {
    this.#stamp = (this.#stamp + 1) >>> 0
    if (this.#stamp === 0) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
    this.#scripts.fill(0)
    this.#votes.fill(0)
    this.gramCount = this.#squares = this.#previous = this.#all = this.#letters = this.#words = this.#digits = this.#marks = this.#newlines = this.#foreign = 0
    this.#options = this.#lists = this.#code = this.#latex = this.#operators = this.#questions = this.#quotes = this.#braces = this.#links = this.#fences = 0
  }

  #pass(text: string, from: number, to: number, weight: number): void {
    let hash = 0
    let length = 0
    let last = 0
    let repeats = 0
    for (let at = from; at < to; at++) {
      let code = text.charCodeAt(at)
      if (code >= 0xff01 && code <= 0xff5e) code -= 0xfee0
      let kind: number
      if (code < 128) kind = classes[code] as number
      else {
        if (isInvisible(code)) continue
        this.#foreign++
        const script = scriptOf(code)
        if (script !== scripts.none) this.#scripts[script]!++
        if (script >= scripts.ideograph && script <= scripts.kana) {
          // Each sign is a word.
          if (length > 0) this.#word(hash, weight)
          this.#word(Math.imul(0x811c9dc5 ^ code, 0x01000193), weight)
          hash = length = 0
          continue
        }
        kind = code >= 0xc0 && !(code >= 0x2000 && code < 0x2c00) ? kinds.letter : kinds.other
      }
      if (kind === kinds.letter) {
        const folded = code < 128 ? code | 32 : code < 0xdf && code !== 0xd7 ? code + 32 : code
        this.#letters++
        repeats = folded === last ? repeats + 1 : 0
        last = folded
        if (repeats > 1) continue
        hash = Math.imul((length === 0 ? 0x811c9dc5 : hash) ^ folded, 0x01000193)
        length++
        continue
      }
      if (kind === kinds.digit) {
        this.#digits++
        if (last === 48) continue
        last = 48
        hash = Math.imul((length === 0 ? 0x811c9dc5 : hash) ^ 48, 0x01000193)
        length++
        continue
      }
      if (length > 0) {
        this.#word(hash, weight)
        length = 0
      }
      last = 0
      repeats = 0
      if (kind === kinds.mark) this.#mark(text, at, code)
      else if (kind === kinds.newline) this.#line(text, at + 1)
    }
    if (length > 0) this.#word(hash, weight)
  }

  #word(hash: number, weight: number): void {
    const mixed = finish(hash)
    const bucket = mixed >>> (32 - hashBits)
    this.#words++
    this.#votes[wordLanguage[bucket] as number]!++
    this.#gram(bucket, weight)
    if (this.#previous !== 0) this.#gram(finish(Math.imul(mixed, 0x9e3779b1) + this.#previous) >>> (32 - hashBits), weight)
    this.#previous = mixed
  }

  #gram(bucket: number, weight: number): void {
    this.#all++
    if (this.#stamps[bucket] === this.#stamp || this.gramCount === mostGrams) return
    this.#stamps[bucket] = this.#stamp
    this.grams[this.gramCount++] = bucket
    this.#squares += weight * weight
  }

  #mark(text: string, at: number, code: number): void {
    this.#marks++
    switch (code) {
      case 63: this.#questions++; break // ?
      case 34: case 39: this.#quotes++; break // " '
      case 123: case 125: case 59: this.#braces++; break // { } ;
      case 43: case 61: case 94: case 60: case 62: case 42: case 47: // + = ^ < > * /
        this.#operators++
        if (code === 47 && text.charCodeAt(at + 1) === 47 && text.charCodeAt(at - 1) === 58) this.#links++
        break
      case 36: this.#latex++; break // $
      case 92: this.#latex++; break // backslash
      case 96: if (text.charCodeAt(at + 1) === 96 && text.charCodeAt(at + 2) === 96) this.#fences++; break
      case 40: case 95: case 91: { // ( _ [ inside of a word: a call, a name, an index
        const before = text.charCodeAt(at - 1)
        const after = text.charCodeAt(at + 1)
        if (before < 128 && after < 128 && classes[before] === kinds.letter && classes[after] !== kinds.space) this.#code++
      }
    }
  }

  /** How a line starts: an option to choose, or an item of a list. */
  #line(text: string, at: number): void {
    this.#newlines++
    const first = text.charCodeAt(at)
    const second = text.charCodeAt(at + 1)
    if (Number.isNaN(second)) return
    const isEnd = second === 46 || second === 41 || second === 58
    if (isEnd && ((first >= 65 && first <= 74) || (first >= 97 && first <= 106))) this.#options++
    else if ((first === 45 || first === 42) && second === 32) this.#lists++
    else if (first >= 48 && first <= 57 && isEnd) this.#lists++
  }

  #measure(text: string): void {
    const { form } = this
    const chars = Math.max(text.length, 1)
    const share = (count: number, times: number): number => Math.min(1, (count / chars) * times)
    const few = (count: number, most: number): number => Math.min(1, count / most)
    const long = Math.log(1 + text.length) / 9
    form[0] = long
    form[1] = long * long
    form[2] = few(this.#words, 60)
    form[3] = share(this.#digits, 8)
    form[4] = share(this.#marks, 5)
    form[5] = share(this.#newlines, 20)
    form[6] = few(this.#options, 10)
    form[7] = this.#options > 1 ? 1 : 0
    form[8] = few(this.#code, 4)
    form[9] = share(this.#braces, 30)
    form[10] = few(this.#latex, 12)
    form[11] = share(this.#operators, 25)
    form[12] = few(this.#questions, 3)
    form[13] = text.charCodeAt(text.length - 1) === 63 ? 1 : 0
    form[14] = this.#words > 0 ? Math.min(1, this.#letters / this.#words / 10) : 0
    form[15] = share(this.#foreign, 2)
    form[16] = few(this.#links, 2)
    form[17] = few(this.#lists, 5)
    form[18] = few(this.#quotes, 10)
    form[19] = few(this.#fences, 2)
    form[20] = text.length < 120 ? 1 : 0
    form[21] = this.#all > 0 ? this.gramCount / this.#all : 1
  }

  #speak(): void {
    let best = 0
    for (let script = 1; script < 6; script++) if (this.#scripts[script]! * 3 > this.#letters && this.#scripts[script]! > this.#scripts[best]!) best = script
    if (best === scripts.ideograph && this.#scripts[scripts.kana]! * 8 > this.#scripts[best]!) best = scripts.kana
    if (best !== 0) {
      this.language = languageOfScript[best] as number
      return
    }
    let most = 0
    this.language = 0
    for (let language = 1; language < languages.length; language++) {
      if (this.#votes[language]! > most) {
        most = this.#votes[language]!
        this.language = language
      }
    }
  }
}

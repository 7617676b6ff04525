/**
 * Resellers often list the plain price of text and leave out what is dearer: long contexts, audio, images. Taking the plain price
 * for those would bill too little, so the maker's own list fills the gap.
 */
import { condensePrices, expandPrices, type Row } from './artefact.ts'
import { groupKey } from './naming.ts'

export function completeResellers(rows: readonly Row[]): void {
  // The second source often leaves out media, also of the makers: it fills no gap of others, and has gaps of its own.
  const makers = new Map(rows.flatMap(row => row.origin === true && row.price !== undefined && row.source === undefined ? [[groupKey(row.model), row] as const] : []))
  for (const row of rows) {
    if (row.price === undefined || (row.origin === true && row.source === undefined)) continue
    const maker = makers.get(groupKey(row.model))
    takeTiers(row, maker)
    takeMedia(row, maker)
  }
}

/** Who takes exactly the maker's price is taken to follow the maker's tiers too. */
function takeTiers(row: Row, maker: Row | undefined): void {
  if (row.tiers !== undefined || maker?.tiers === undefined) return
  if (row.price?.input === maker.price?.input && row.price?.output === maker.price?.output) row.tiers = structuredClone(maker.tiers)
}

const media = [['audio', 'input', 'audioIn'], ['audio', 'output', 'audioOut'], ['image', 'output', 'imageOut']] as const

/**
 * A medium without a price of its own costs at least what the maker takes for it. Where the maker is not known and the model
 * answers in text and in that medium, the one price that is listed is the text's, and the price of an answer is not known.
 */
function takeMedia(row: Row, maker: Row | undefined): void {
  const [input = '', output = ''] = (row.modalities ?? '').split('>')
  for (const [medium, side, name] of media) {
    const offered = (side === 'input' ? input : output).split(',')
    if (row.price === undefined || row.price[name] !== undefined || !offered.includes(medium)) continue
    if (maker?.price !== undefined) {
      const floor = expandPrices(maker.price)[name]
      row.price = condensePrices({ ...row.price, [name]: Math.max(floor, expandPrices(row.price)[name]) })
      for (const tier of row.tiers ?? []) tier.price = condensePrices({ ...tier.price, [name]: Math.max(floor, expandPrices(tier.price)[name]) })
    } else if (side === 'output' && offered.includes('text')) {
      delete row.price
      delete row.tiers
      delete row.conditions
    }
  }
}

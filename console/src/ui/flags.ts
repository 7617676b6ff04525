/** What the flags of an attempt mean, in words that follow a count or stand alone. */
export const flagWords: Record<string, string> = {
  estimated: 'estimated: usage was not reported',
  uncertain: 'uncertain: nobody knows whether the vendor billed',
  unpriced: 'unpriced: no price is known',
  anomalous: 'anomalous: the vendor reported what cannot be true',
  simulated: 'simulated: nobody is billed',
  over_bound: 'over bound: billed above a strict bound, paid by the gateway',
  over_hold: 'over hold: cost more than was reserved',
}
/** A bound or an estimate was too low. */
export const isAlarm = (flag: string): boolean => flag === 'over_bound' || flag === 'over_hold'

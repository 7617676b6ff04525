/**
 * Ids of what a vendor keeps for somebody (files, batches): they say where it is and prove whose it is, so that nothing has to be
 * looked up and nobody else's opens. A text that was not made here, or for another owner, opens to nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Pepper } from './key-format.ts'

export interface VendorObject {
  provider: string
  /** In whose account it is; '' where the provider has none. */
  credential: string
  /** As the vendor calls it. */
  id: string
}

const macBytes = 15
const mostBytes = 1_024
/** The vendor's own prefix stays in front, since clients look at it. */
const form = /^((?:[a-z]+[-_])?)mr-([A-Za-z0-9_-]{24,})$/

export class SealedIds {
  readonly #keys: readonly Buffer[]

  /** What was sealed before a rotation of the master key opens as long as its former key is known. */
  constructor(pepper: Pepper) {
    this.#keys = [pepper, ...pepper.others ?? []].map(({ key }) => createHmac('sha256', key).update('ids of what vendors keep').digest())
  }

  seal(owner: string, { provider, credential, id }: VendorObject): string {
    const prefix = /^[a-z]+[-_]/.exec(id)?.[0] ?? ''
    const payload = Buffer.from([provider, credential, id].join('\n'))
    return `${prefix}mr-${Buffer.concat([mac(this.#keys[0]!, owner, payload), payload]).toString('base64url')}`
  }

  open(owner: string, text: string): VendorObject | null {
    const found = text.length > mostBytes ? null : form.exec(text)
    if (found === null) return null
    const bytes = Buffer.from(found[2]!, 'base64url')
    const payload = bytes.subarray(macBytes)
    if (bytes.length <= macBytes || !this.#keys.some((key) => timingSafeEqual(mac(key, owner, payload), bytes.subarray(0, macBytes)))) return null
    const [provider, credential, id] = payload.toString().split('\n')
    return id === undefined ? null : { provider: provider!, credential: credential!, id }
  }
}

const mac = (key: Buffer, owner: string, payload: Buffer): Buffer => createHmac('sha256', key).update(`${owner.length}:${owner}`).update(payload).digest().subarray(0, macBytes)

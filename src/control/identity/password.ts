/**
 * Passwords as scrypt hashes with their parameters written beside them, so that the cost can rise later. One hash takes 64 MB
 * and about 0.3 s of a worker thread; the number that run at once is bounded, the rest are refused as overloaded.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { ControlError } from '../errors.ts'

export interface PasswordCost { N: number; r: number; p: number }
/** OWASP's second row: 64 MiB, two lanes. */
export const passwordCost: PasswordCost = { N: 2 ** 16, r: 8, p: 2 }

const hashBytes = 32
const maxConcurrent = 8
let running = 0

async function derive(password: string, salt: Buffer, cost: PasswordCost): Promise<Buffer> {
  if (running >= maxConcurrent) throw new ControlError('overloaded', 'Too many people log in at this moment. Try again in a few seconds.', { retryAfterMs: 2_000 })
  running += 1
  try {
    return await new Promise((resolve, reject) => {
      // NFKC: the same password typed on another keyboard has the same bytes.
      scrypt(password.normalize('NFKC'), salt, hashBytes, { ...cost, maxmem: 256 * cost.N * cost.r }, (error, key) => (error === null ? resolve(key) : reject(error)))
    })
  } finally {
    running -= 1
  }
}

export async function hashPassword(password: string, cost: PasswordCost = passwordCost): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Without a stored hash the same work is done and the answer is no: the time does not tell whether an account exists. */
export async function verifyPassword(password: string, stored: string | null, cost: PasswordCost = passwordCost): Promise<boolean> {
  const [kind, N, r, p, salt, hash] = (stored ?? '').split('$')
  if (kind !== 'scrypt' || salt === undefined || hash === undefined) {
    await derive(password, randomBytes(16), cost)
    return false
  }
  const expected = Buffer.from(hash, 'base64url')
  const actual = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) })
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}

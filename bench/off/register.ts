/** Loaded with `--import`: the gateway without budgets, limits, ledger and journal, to measure what these cost. For measurements only. */
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

const replaced = new Map([['src/governance/admission.ts', './admission.ts'], ['src/ledger/open.ts', './open.ts']].map(([path, stub]) => [new URL(`../../${path}`, import.meta.url).href, new URL(stub!, import.meta.url).href]))

// A module that moved would stay on, and be measured as if it were off.
for (const url of replaced.keys()) if (!existsSync(new URL(url))) throw new Error(`There is no ${url} to replace.`)

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const url = replaced.get(found.url)
    return url === undefined ? found : { ...found, url }
  },
})

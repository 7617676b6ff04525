/** Writes docs/vendors.md from the vendor declarations: `node scripts/vendors-table.ts`. A test fails when the page is out of date. */
import { writeFileSync } from 'node:fs'
import type { Vendor } from '../src/providers/provider.ts'
import { vendors } from '../src/providers/index.ts'

const code = (text: string): string => `\`${text}\``
const yes = (value: boolean): string => value ? 'yes' : 'no'

function switchedOnBy(vendor: Vendor): string {
  if (vendor.simulated === true) return 'the console, or the demo'
  const names = vendor.baseUrl === undefined ? [vendor.baseUrlEnv] : vendor.env
  return names.map(code).join(', ')
}

function usage({ usage: rules }: Vendor): string {
  return [
    `cached tokens ${rules.promptIncludesCached ? 'in' : 'beside'} the prompt`,
    `reasoning ${rules.completionIncludesReasoning ? 'in' : 'beside'} the completion`,
    ...rules.promptIncludesAudio === false ? ['audio beside the prompt'] : [],
  ].join('; ')
}

function row(vendor: Vendor): string {
  return [
    vendor.docs === '' ? vendor.name : `[${vendor.name}](${vendor.docs})`,
    code(vendor.id),
    switchedOnBy(vendor),
    vendor.baseUrl === undefined ? '' : code(vendor.baseUrl),
    vendor.endpoints.join(', '),
    usage(vendor),
    vendor.quirks.streamUsage === 'always' ? 'always' : 'when asked',
    [vendor.quirks.maxTokensField, ...vendor.quirks.honoursBothLimits ? [vendor.quirks.maxTokensField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'] : []].map(code).join(', '),
    yes(vendor.billsAfterAbort),
  ].join(' | ')
}

export function page(): string {
  const titles = ['Vendor', 'Id', 'Switched on by', 'Base URL', 'Endpoints', 'Usage object', 'Usage in streams', 'Output limit', 'Bills after an abort']
  return `# Vendors

Generated from \`src/providers/\` by \`node scripts/vendors-table.ts\`; the source of each fact is in the declaration's comment.
\`<NAME>_BASE_URL\` overrides a base URL, and \`<NAME>_API_KEY_2\`, \`<NAME>_API_KEY_3\` … add credentials.

| ${titles.join(' | ')} |
|${'---|'.repeat(titles.length)}
${[...vendors.values()].map(vendor => `| ${row(vendor)} |`).join('\n')}

## Adding an OpenAI-compatible vendor

1. \`src/providers/<id>.ts\`: the declaration, with the pages that its facts come from.
2. One recorded exchange as a fixture, and its usage object in \`src/catalog/fixtures/usage-shapes.json\`.
3. \`node scripts/compile-catalog.ts\` if the catalogue lists the vendor under another id (\`catalogId\`), and \`node scripts/vendors-table.ts\`.
`
}

if (import.meta.main) writeFileSync(new URL('../docs/vendors.md', import.meta.url), page())

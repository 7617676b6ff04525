/** axe-core over the page as it is now: each breach as one line that names rule, element and what is wrong. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
interface Result {
  violations: { id: string; nodes: { target: string[]; failureSummary?: string }[] }[]
}

export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(source)
  const result = (await page.evaluate('axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })')) as Result
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')}: ${(node.failureSummary ?? '').replaceAll(/\s+/g, ' ')}`),
  )
}

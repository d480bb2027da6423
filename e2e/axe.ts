/** What axe-core finds on a page: barriers for people who use a keyboard, a screen reader, or see little contrast. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

let source: string | undefined

interface Finding {
  id: string
  impact: string | null
  help: string
  nodes: { target: string[]; html: string }[]
}

/** The serious and critical findings, a line each; empty when there is none. */
export async function seriousFindings(page: Page): Promise<string[]> {
  source ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // Evaluated by the browser's debugger, which the page's content security policy does not concern.
  await page.evaluate(source)
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: Finding[]
  }
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map(({ target, html }) => `${id}: ${help}: ${target.join(' ')} ${html}`))
}

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

/** What a theme decides; all else is the same in every one. */
export const ofTheme = ['color-contrast']

/** The serious and critical findings, a line each; empty when there is none. `rules`: only these. */
export async function seriousFindings(page: Page, rules?: string[]): Promise<string[]> {
  source ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // Evaluated by the browser's debugger, which the page's content security policy does not concern.
  if (await page.evaluate('typeof axe === "undefined"')) await page.evaluate(source)
  const options = {
    resultTypes: ['violations'],
    // Off by default. Who speaks to the page says what is written on the button.
    ...(rules ? { runOnly: rules } : { rules: { 'label-content-name-mismatch': { enabled: true } } }),
  }
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as {
    violations: Finding[]
  }
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.map(({ target, html }) => `${id}: ${help}: ${target.join(' ')} ${html}`))
}

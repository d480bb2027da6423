/** Debian's Chromium, and a page that notes whatever a user would never notice: console errors, CSP violations. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

/** The browser's path, or null when this machine has none. */
export function findChromium(): string | null {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin']
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // not here
    }
  }
  return null
}

export const launchBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

export interface WatchedPage {
  page: Page
  /** Everything that went wrong in silence. */
  faults: string[]
  /** Addresses outside the server that the page asked for. */
  foreign: string[]
}

export async function watchedPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: url, ...options })
  const page = await context.newPage()
  const faults: string[] = []
  const foreign: string[] = []
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`))
  page.on('console', (message) => {
    // Chromium itself reports each refused request; the tests refuse some on purpose and look at what the page says.
    if (message.type() === 'error' && /status of 4\d\d/.test(message.text())) return
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`${message.type()}: ${message.text()}`)
  })
  page.on('request', (request) => {
    const own = request.url().startsWith(url) || request.url().startsWith(url.replace('http', 'ws'))
    if (!own && !request.url().startsWith('data:') && !request.url().startsWith('blob:')) foreign.push(request.url())
  })
  await page.exposeFunction('noteViolation', (text: string) => faults.push(`policy: ${text}`))
  // Text, because this runs in the page: its globals are not ours.
  await page.addInitScript(`document.addEventListener('securitypolicyviolation', (event) => {
    noteViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile + ':' + event.lineNumber)
  })`)
  return { page, faults, foreign }
}

/** The page of channels in a real browser: made, tested, sent again and deleted, against a receiver of ours. */
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seriousFindings } from './axe.ts'
import { findChromium, launchBrowser, watchedPage } from './browser.ts'
import { startSystem, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the page of channels, ${missing}`)

describe.skipIf(missing !== null)('channels', () => {
  let system: System
  let browser: Browser
  let receiver: Server
  const ids: unknown[] = []
  let status = 410

  beforeAll(async () => {
    receiver = createServer((req, res) => {
      ids.push(req.headers['webhook-id'])
      res.writeHead(status).end(status === 410 ? 'no such hook' : 'thanks')
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    system = await startSystem()
    browser = await launchBrowser(chromium!)
  })
  afterAll(async () => {
    await browser?.close()
    await system?.stop()
    receiver?.closeAllConnections()
    receiver?.close()
  })

  test('made, refused, sent again with the same id, told by a batch, deleted', async () => {
    const { page, faults, foreign } = await watchedPage(browser, system.url)
    page.setDefaultTimeout(30_000)
    await page.goto('/channels')
    await page.getByLabel('Username').fill('admin')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'There is no channel yet' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'New channel' }).click()
    await page.getByLabel('Name').fill('Team CI')
    await page.getByLabel('Kind').selectOption('webhook')
    await page.getByRole('button', { name: 'Add quiet hours' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('a channel name has lower-case letters').waitFor()
    await page.getByText('must be an http or https address').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Name').fill('team-ci')
    await page.getByLabel('Address').fill(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/s3cr3t-path`)
    await page.getByRole('button', { name: 'Remove quiet hours 1' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/^whsec_/).waitFor()
    await page.getByRole('button', { name: 'I have it' }).click()

    await page.getByRole('button', { name: 'Test team-ci' }).click()
    await page.getByText('refused for good: 410 Gone: no such hook').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page
      .getByRole('row', { name: /^team-ci/ })
      .getByText('Failed')
      .waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('tab', { name: 'Deliveries' }).click()
    await page.getByLabel('What became of them').selectOption('dead')
    await page.waitForURL('**/channels?view=deliveries&outcome=dead')
    await page.getByText('no such hook').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    status = 200
    await page.getByRole('button', { name: 'Send again: Test of channel team-ci' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Send again' }).click()
    await page.getByRole('heading', { name: 'No message fits' }).waitFor() // it is dead no more
    await page.getByLabel('What became of them').selectOption('sent')
    await page.getByText('sent: 200 OK: thanks').waitFor()
    expect(ids).toHaveLength(2)
    expect(ids[0]).toBe(ids[1])

    const jobs = [{ command: ['true'] }]
    await system.api.calls.batches.create({ name: 'nightly', jobs, notify: [{ channel: 'team-ci' }] })
    await page.getByRole('link', { name: 'Batch nightly passed: its job' }).waitFor()

    await page.getByRole('tab', { name: 'Channels' }).click()
    await page.getByRole('button', { name: 'Delete team-ci' }).click()
    await page.getByRole('button', { name: 'Delete channel' }).click()
    await page.getByRole('heading', { name: 'There is no channel yet' }).waitFor()
    expect(await page.content()).not.toContain('s3cr3t')
    expect(faults).toEqual([])
    expect(foreign).toEqual([])
    await page.context().close()
  })
})

/** Accounts, the audit log and one's own profile in a real browser. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { seriousFindings } from './axe.ts'
import { findChromium, launchBrowser, watchedPage, type WatchedPage } from './browser.ts'
import { startSystem, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the browser tests of people and audit, ${missing}`)

describe.skipIf(missing !== null)('people in the dashboard', () => {
  let system: System
  let browser: Browser
  const watched: WatchedPage[] = []

  beforeAll(async () => {
    system = await startSystem()
    browser = await launchBrowser(chromium!)
  })
  afterAll(async () => {
    await browser?.close()
    await system?.stop()
  })
  afterEach(async () => {
    for (const { page, faults, foreign } of watched.splice(0)) {
      await page.context().close()
      // Chromium's own word for a socket of a session that these tests end on purpose.
      const unexpected = faults.filter((fault) => !/WebSocket connection .* HTTP Authentication failed/.test(fault))
      expect([unexpected, foreign]).toEqual([[], []])
    }
  })

  const open = async (path: string) => {
    const one = await watchedPage(browser, system.url)
    watched.push(one)
    one.page.setDefaultTimeout(20_000)
    await one.page.goto(path)
    return one.page
  }
  const openAs = async (username: string, password: string, path: string) => {
    const page = await open(path)
    await page.getByLabel('Username').fill(username)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    return page
  }
  const admin = (path: string) => openAs('admin', 'correct horse battery', path)

  test('an account from its beginning to its end: added, changed, a lost password, disabled, deleted', async () => {
    const page = await admin('/users')
    await page.getByRole('button', { name: 'Add a user' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Username').fill('anna')
    await dialog.getByLabel('Password').fill('short')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await dialog.getByText('has at least 10 characters').waitFor()
    await dialog.getByLabel('Password').fill('password of anna')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    const row = page.getByRole('row', { name: /^anna/ })
    await row.getByText('operator').waitFor()

    const annas = await openAs('anna', 'password of anna', '/users')
    await annas.getByRole('heading', { name: 'Only for administrators' }).waitFor()
    expect(await seriousFindings(annas)).toEqual([])

    // A new role ends her session: the page finds out by its next question.
    await row.getByRole('button', { name: 'Change anna' }).click()
    await dialog.getByLabel('Role').selectOption('viewer')
    await dialog.getByText('ends the sessions').waitFor()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await row.getByText('viewer').waitFor()
    await annas.waitForURL('**/sign-in**')

    await row.getByRole('button', { name: 'Reset code for anna' }).click()
    await dialog.getByRole('button', { name: 'Make a code' }).click()
    const code = (await dialog.locator('code').first().textContent())!
    await dialog.getByRole('button', { name: 'Done' }).click()
    await annas.getByRole('link', { name: 'I have a reset code' }).click()
    await annas.getByLabel('Username').fill('anna')
    await annas.getByLabel('Code').fill('AAAA-AAAA')
    await annas.getByLabel('New password').fill('a new one of anna')
    await annas.getByLabel('Once more').fill('a new one of anna')
    await annas.getByRole('button', { name: 'Set the password' }).click()
    await annas.getByText('is wrong, was used before or has run out').waitFor()
    expect(await seriousFindings(annas)).toEqual([])
    await annas.getByLabel('Code').fill(code.toLowerCase())
    await annas.getByRole('button', { name: 'Set the password' }).click()
    await annas.waitForURL('**/overview')

    await row.getByRole('button', { name: 'Delete anna' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await row.waitFor({ state: 'detached' })
    await annas.goto('/profile')
    await annas.waitForURL('**/sign-in**')
  })

  test('a profile: a narrow token shown once, its end, and signing out everywhere', async () => {
    await system.api.calls.users.create({ username: 'ben', password: 'password of ben' })
    const page = await openAs('ben', 'password of ben', '/profile')
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('What it is for').fill('nightly')
    await dialog.getByLabel('Jobs and logs: Read', { exact: true }).check()
    expect(await seriousFindings(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Make the token' }).click()
    const token = (await dialog.locator('code').first().textContent())!
    const ask = (path: string) =>
      fetch(`${system.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status,
      )
    expect([await ask('/jobs'), await ask('/queues')]).toEqual([200, 403])
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await page.getByText('jobs:read').waitFor()
    expect(await page.getByText(token).count()).toBe(0)
    await page.getByRole('button', { name: 'Revoke nightly' }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText('None yet.').waitFor()
    expect(await ask('/jobs')).toBe(401)

    await page.getByLabel('Current password').fill('password of ben')
    await page.getByLabel('New password').fill('another one of ben')
    await page.getByLabel('Once more').fill('another one of ben')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Your password is changed').waitFor()
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.waitForURL('**/sign-in**')
  })

  test('the audit log: narrowed by a click, an entry in full, the chain verified, a file to keep', async () => {
    await system.api.calls.users.create({ username: '-bad-' as string, password: 'password' }).catch(() => {})
    await system.api.calls.users.create({ username: 'carla', password: 'password of carla' })
    const page = await admin('/audit')
    await page.getByTitle('Only to what: user:carla').first().click()
    await page.waitForURL('**/audit?target=user*carla')
    await page.getByTitle('Show the whole entry').first().click()
    await page.getByRole('dialog').getByText('user.create').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.keyboard.press('Escape')
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'CSV' }).click()
    const lines = (await readFile(await (await download).path(), 'utf8')).trimEnd().split('\r\n')
    expect(lines).toEqual([expect.stringMatching(/^id,at,/), expect.stringContaining('user:carla')])
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('It holds').waitFor()
    await page.getByText(/audit verify --head \d+:[0-9a-f]{64}/).waitFor()
  })
})

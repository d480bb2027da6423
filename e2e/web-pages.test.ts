/** The dashboard's pages one by one: what can be done with several jobs, what is live, and who can use them. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ofTheme, seriousFindings } from './axe.ts'
import { findChromium, launchBrowser, watchedPage, type WatchedPage } from './browser.ts'
import { ended, startSystem, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the browser tests of the dashboard's pages, ${missing}`)

describe.skipIf(missing !== null)('pages of the dashboard', () => {
  let system: System
  let browser: Browser
  let watched: WatchedPage

  beforeAll(async () => {
    system = await startSystem({ RUNYARD_WEB_TERMINAL: 'true', RUNYARD_CONTAINER_ENGINE: 'off' })
    browser = await launchBrowser(chromium!)
  })
  afterAll(async () => {
    await browser?.close()
    await system?.stop()
  })
  afterEach(async () => {
    const { page, faults, foreign } = watched
    await page.context().close()
    expect(faults).toEqual([])
    expect(foreign).toEqual([])
  })

  const openSignedIn = async (path: string) => {
    watched = await watchedPage(browser, system.url, { reducedMotion: 'reduce' })
    const { page } = watched
    page.setDefaultTimeout(30_000)
    await page.goto(path)
    await page.getByLabel('Username').fill('admin')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('navigation', { name: 'Main' }).waitFor()
    return page
  }
  const submit = async (line: string, name: string) =>
    (await system.api.calls.jobs.submit({ command: ['bash', '-c', line], name })).id
  const rows = (page: Page) => page.locator('[data-log-row]')

  test('W2: ten million characters without a newline, letters that reorder: text, and the page stays quick', async () => {
    const id = await submit(
      String.raw`head -c 10000000 /dev/zero | tr '\0' x; echo; printf 'a\xe2\x80\xaeb\n'`,
      'user\u202egpj.exe',
    )
    await ended(system, id)
    const page = await openSignedIn(`/jobs/${id}`)
    await page.getByText('1,222 lines · complete').waitFor()
    expect(await rows(page).count()).toBeLessThan(200)
    await page.getByLabel('Log output').focus()
    await page.keyboard.press('G')
    await rows(page).getByText('a⟨U+202E⟩b').waitFor()
    // In a name the letters stay; they reorder nothing outside of it.
    const heading = page.getByRole('heading', { level: 1 })
    expect(await heading.evaluate((element) => element.getAttribute('dir'))).toBe('auto')
    expect(await page.title()).toContain('Runyard')
  })

  test('several jobs are chosen by keyboard and mouse, and are cancelled, run again and deleted at once', async () => {
    await system.api.calls.queues.put({ name: 'parked', paused: true })
    const ids = await system.api.calls.jobs.submitMany({
      jobs: Array.from({ length: 60 }, (_, i) => ({ command: ['true'], name: `parked ${i}`, queue: 'parked' })),
    })
    expect(ids.ids).toHaveLength(60)
    const page = await openSignedIn('/jobs?queue=parked')
    await page.locator('[data-job-row]').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    for (let i = 0; i < 9; i++) await page.keyboard.press('j')
    await page.keyboard.press('Shift+X')
    const bar = page.getByRole('toolbar', { name: 'Chosen jobs' })
    await bar.getByText('10 chosen').waitFor()
    await bar.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alertdialog', { name: 'Cancel 10 jobs?' }).getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('10 jobs cancelled').waitFor()
    await page.goto('/jobs?queue=parked&state=cancelled')
    await expect.poll(() => page.locator('[data-job-row]').count()).toBe(10)
    await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).check()
    await bar.getByRole('button', { name: 'Run again' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Run 10 jobs again' }).click()
    await page.getByText('10 jobs submitted again').waitFor()
    await page.getByRole('checkbox', { name: 'Choose all that are loaded' }).check()
    await bar.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('10 jobs deleted').waitFor()
    await page.getByRole('heading', { name: 'No job matches' }).waitFor()
    await expect
      .poll(async () => (await system.api.calls.jobs.list({ queue: 'parked', limit: 200 })).jobs.length)
      .toBe(60)
  })

  test('the overview is live; the sidebar, the drawer and two keys lead everywhere', async () => {
    const page = await openSignedIn('/')
    await page.waitForURL('**/overview')
    const failed = page.getByRole('region', { name: 'Jobs by status' }).getByRole('link', { name: /Failed/ })
    const before = Number(((await failed.textContent()) ?? '').replace(/\D/g, ''))
    await submit('exit 9', 'fails for the overview')
    await expect
      .poll(async () => Number(((await failed.textContent()) ?? '').replace(/\D/g, '')), { timeout: 15_000 })
      .toBe(before + 1)
    for (const [key, path] of [
      ['q', 'queues'],
      ['r', 'runners'],
      ['b', 'batches'],
      ['o', 'overview'],
    ]) {
      await page.keyboard.press('g')
      await page.keyboard.press(key!)
      await page.waitForURL(`**/${path}`)
    }
    await page.getByRole('button', { name: 'Narrow the sidebar' }).click()
    await page.reload()
    await page.getByRole('button', { name: 'Widen the sidebar' }).waitFor()
    await page.setViewportSize({ width: 390, height: 800 })
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('dialog', { name: 'Menu' }).getByRole('link', { name: 'Certificates' }).click()
    await page.waitForURL('**/certificates')
    expect(await page.locator('dialog[open]').count()).toBe(0)
  })

  test('a host whose key is confirmed, its terminal, an image, and a job that names where it runs', async () => {
    const page = await openSignedIn('/hosts')
    await page.getByRole('heading', { name: 'There is no host yet' }).waitFor()
    await page.keyboard.press('c')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('web1')
    await dialog.getByLabel('Address').fill('127.0.0.1')
    // Nothing listens there: the server cannot be shown a key, so it comes from a file.
    await dialog.getByLabel('Port').fill('1')
    await dialog.getByLabel('User').fill('deploy')
    await dialog.getByRole('button', { name: 'Password' }).click()
    await dialog.getByLabel('Password').fill('open sesame')
    await dialog.locator('button[type=submit]').click()
    const keys = page.getByRole('dialog', { name: 'Keys of web1' })
    await keys.getByRole('alert').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await keys.getByText('Or from a known_hosts file').click()
    const key = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1'), Buffer.alloc(32, 7)])
    await keys.getByLabel('Lines of the file').fill(`[127.0.0.1]:1 ssh-ed25519 ${key.toString('base64')}`)
    await keys.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('row', { name: /web1/ }).getByText('Ready').waitFor()
    await page.getByRole('link', { name: 'Terminal on web1' }).click()
    // Drawn by a library that wants styles of its own; the page's policy is what `watched` looks at.
    await page.locator('.xterm-screen').waitFor()
    await page.getByText('Closed').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.goto('/images')
    await page.getByRole('heading', { name: 'There is no image yet' }).waitFor()
    await page.keyboard.press('c')
    await dialog.getByLabel('Name', { exact: true }).fill('python')
    await dialog.getByLabel('Reference').fill('not a reference')
    await dialog.locator('button[type=submit]').click()
    await dialog.getByText('is no image reference').waitFor()
    await dialog.getByLabel('Reference').fill('docker.io/library/python:3.12-slim')
    await dialog.locator('button[type=submit]').click()
    await page
      .getByRole('row', { name: /python/ })
      .getByText('Not pinned')
      .waitFor()

    await page.goto('/jobs/new')
    await page.getByLabel('Shell line', { exact: true }).fill('uptime')
    await page.getByRole('radio', { name: 'Hosts' }).click()
    await page.getByLabel('Hosts', { exact: true }).fill('web1 nowhere ')
    await page.getByRole('button', { name: 'Submit job' }).click()
    await page.getByText('no host nowhere').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Remove nowhere' }).click()
    await page.getByLabel('Not before').fill('2040-01-01T00:00')
    await page.getByRole('button', { name: 'Submit job' }).click()
    await page.getByText('Hosts', { exact: true }).first().waitFor()
    await page.goto('/jobs?executor=ssh&host=web1')
    await expect.poll(() => page.locator('[data-job-row]').count()).toBe(1)
    await page.getByRole('link', { name: /web1/ }).waitFor()
  })

  test('axe finds nothing serious on any page, light or dark', async () => {
    const { id } = (await system.api.calls.jobs.list({ limit: 1, status: ['passed'] })).jobs[0]!
    const pages: [path: string, heading: string | RegExp][] = [
      ['/overview', 'Overview'],
      ['/batches', 'Batches'],
      ['/batches/new', 'New batch'],
      ['/jobs', 'Jobs'],
      ['/jobs/new', 'New job'],
      ['/jobs?queue=parked&since=day', 'Jobs'],
      [`/jobs/${id}`, /./],
      ...['Tests', 'Runners', 'Hosts', 'Images', 'Queues', 'Channels', 'Users', 'Audit', 'Profile', 'Certificates'].map(
        (heading): [string, string] => [`/${heading.toLowerCase()}`, heading],
      ),
    ]
    const page = await openSignedIn('/overview')
    const findings: string[] = []
    for (const [path, name] of pages) {
      // As a link does it, without a new document.
      await page.evaluate(`document.documentElement.classList.remove('dark'), history.pushState(null, '', '${path}')`)
      await page.getByRole('heading', { level: 1, name }).waitFor()
      await expect.poll(() => page.locator('[role=status][aria-label^=Loading]').count()).toBe(0)
      findings.push(...(await seriousFindings(page)).map((finding) => `${path} light: ${finding}`))
      await page.evaluate(`document.documentElement.classList.add('dark')`)
      findings.push(...(await seriousFindings(page, ofTheme)).map((finding) => `${path} dark: ${finding}`))
      await page.setViewportSize({ width: 390, height: 800 })
      const [content, window] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
        number,
        number,
      ]
      if (content > window) findings.push(`${path} is ${content} px wide on a phone`)
      await page.setViewportSize({ width: 1280, height: 720 })
    }
    await page.evaluate(`history.pushState(null, '', '/batches/new')`)
    await page.getByRole('button', { name: 'Document' }).click()
    await page.getByLabel('Batch document').fill('name: [x')
    await page
      .getByText(/^line 1: /)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Narrow the sidebar' }).click()
    findings.push(...(await seriousFindings(page)).map((finding) => `broken YAML, narrow sidebar: ${finding}`))
    expect(findings).toEqual([])
  }, 90_000)
})

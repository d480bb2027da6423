/** The dashboard in a real browser, on a real server with real jobs. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, launchBrowser, watchedPage, type WatchedPage } from './browser.ts'
import { ended, startSystem, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the dashboard's browser tests, ${missing}`)

describe.skipIf(missing !== null)('dashboard', () => {
  let system: System
  let browser: Browser
  let watched: WatchedPage

  beforeAll(async () => {
    system = await startSystem()
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

  const open = async (path = '/') => {
    watched = await watchedPage(browser, system.url)
    watched.page.setDefaultTimeout(30_000)
    await watched.page.goto(path)
    return watched.page
  }
  const signIn = async (page: Page, password = 'correct horse battery') => {
    await page.getByLabel('Username').fill('admin')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  const openSignedIn = async (path: string) => {
    const page = await open(path)
    await signIn(page)
    return page
  }
  const submit = async (line: string, name: string) =>
    (await system.api.calls.jobs.submit({ command: ['bash', '-c', line], name })).id
  const rows = (page: Page) => page.locator('[data-log-row]')
  const logText = async (page: Page) => (await rows(page).locator('[dir=ltr]').allTextContents()).join('')

  test('a wrong password is refused in words; the right one leads to where one wanted to go', async () => {
    const page = await open('/jobs?status=failed')
    await signIn(page, 'not the password')
    expect(await page.getByRole('alert').textContent()).toMatch(/wrong username or password/i)
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await signIn(page)
    await page.waitForURL('**/jobs?status=failed')
    await page.getByRole('heading', { name: 'No job matches' }).waitFor()
    await page.getByRole('button', { name: 'Clear filters' }).first().click()
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor()
    await page.getByText('npx runyard run --').waitFor()
    await page.getByRole('button', { name: /Account: admin/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.waitForURL('**/sign-in')
    await page.goto('/jobs')
    await page.waitForURL('**/sign-in?to=**')
  })

  test('submits a job, shows a refused field at its place, then the log line by line while the job runs', async () => {
    const page = await openSignedIn('/jobs')
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await page.keyboard.press('n')
    await page
      .getByRole('textbox', { name: 'Shell line' })
      .fill('for i in 1 2 3 4; do echo "step $i of $WHAT with $TOKEN"; sleep 1; done')
    await page.getByLabel('Name', { exact: false }).first().fill('four steps')
    await page.getByRole('button', { name: 'Add' }).first().click()
    await page.getByLabel('Variables: name 1').fill('WHAT')
    await page.getByLabel('Variables: value 1').fill('plenty')
    await page.getByRole('button', { name: 'Add' }).nth(1).click()
    await page.getByLabel('Secrets: name 1').fill('TOKEN')
    await page.getByLabel('Secrets: value 1').fill('open-sesame-42')
    await page.getByText('Limits', { exact: true }).click()
    await page.getByLabel('Memory, MiB').fill('1')
    await page.getByRole('button', { name: 'Submit job' }).click()
    const refused = page.getByLabel('Memory, MiB')
    await expect.poll(() => refused.getAttribute('aria-invalid')).toBe('true')
    await page.getByText('At least 4 MiB').waitFor()
    await refused.fill('') // not every host can hold one
    await page.getByRole('button', { name: 'Submit job' }).click()

    await page.getByRole('heading', { name: 'four steps' }).waitFor()
    await rows(page).getByText('step 1 of plenty with ***').waitFor()
    expect(await rows(page).getByText('step 4').count()).toBe(0) // live: the rest is still to come
    await rows(page).getByText('step 4 of plenty').waitFor()
    await page.getByText('All of its processes are gone').waitFor()
    await page.getByText('4 lines · complete').waitFor()
    expect(await page.locator('body').textContent()).not.toContain('open-sesame')
  })

  test('a list that is open shows new jobs and their end without a reload', async () => {
    const page = await openSignedIn('/jobs')
    await page.getByText('Live', { exact: true }).first().waitFor()
    const id = await submit('sleep 2; exit 3', 'appears by itself')
    const row = page.locator('[data-job-row]', { hasText: 'appears by itself' })
    await row.waitFor()
    await row.getByText('Running').waitFor()
    await row.getByText('Failed').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/jobs/${id}`)
    await page
      .getByRole('alert')
      .getByText(/code 3/)
      .waitFor()
  })

  test('cancels a running job after asking, and says that nothing of it is left', async () => {
    const id = await submit('echo begun; sleep 600', 'to be cancelled')
    const page = await openSignedIn(`/jobs/${id}`)
    await rows(page).getByText('begun').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel the job' }).click()
    await page.getByText('All of its processes are gone').waitFor()
    expect((await ended(system, id)).state).toBe('cancelled')

    await page.getByRole('button', { name: 'Run again' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Run again' }).click()
    await page.waitForURL((url) => !url.pathname.endsWith(id))
    await page.getByText(`Re-run of`, { exact: true }).waitFor()
    await system.api.calls.jobs.cancel({ id: new URL(page.url()).pathname.split('/').at(-1)! })
  })

  test('a connection that breaks loses and repeats no line of a live log', async () => {
    const page = await openSignedIn('/jobs')
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    const sockets: { close(): Promise<void> }[] = []
    await page.routeWebSocket(/\/api\/v1\/ws$/, (socket) => {
      sockets.push(socket)
      socket.connectToServer()
    })
    const id = await submit('for i in {1..60}; do echo "tick $i"; sleep 0.1; done', 'outlives its viewer')
    await page.goto(`/jobs/${id}`)
    await rows(page).getByText('tick 5', { exact: true }).waitFor()
    await sockets[0]!.close()
    await rows(page).getByText('tick 30', { exact: true }).waitFor()
    await sockets[1]!.close()
    await page.getByText('60 lines · complete').waitFor()
    await page.getByLabel('Log output').focus()
    await page.keyboard.press('g')
    await page.keyboard.press('g')
    await expect.poll(() => logText(page)).toContain('tick 1\n')
    const first = (await logText(page)).trim().split('\n')
    expect(first).toEqual(first.map((_, i) => `tick ${i + 1}`))
    expect(sockets.length).toBe(3)
  })

  test('a log of 100,000 lines: few rows in the page, any line by its address, search', async () => {
    const id = await submit('for ((i = 1; i <= 100000; i++)); do echo "line $i of many"; done', 'a long log')
    expect((await ended(system, id)).state).toBe('succeeded')
    const page = await openSignedIn(`/jobs/${id}#L54321`)
    await page.getByText('line 54321 of many').waitFor()
    expect(await rows(page).count()).toBeLessThan(100)
    await page.getByText('100,000 lines · complete').waitFor()
    await page.getByLabel('Search in the log').fill('line 99999')
    await page.getByText('1 line', { exact: true }).waitFor()
    await page.getByLabel('Search in the log').press('Enter')
    await expect.poll(() => logText(page)).toContain('line 99999 of many')
    expect(await rows(page).count()).toBeLessThan(100)
    await page.getByLabel('Log output').focus()
    await page.keyboard.press('g')
    await page.keyboard.press('g')
    await expect.poll(() => logText(page)).toContain('line 1 of many')
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    expect((await download).suggestedFilename()).toBe(`${id}.1.all.log`)
  })

  test('what a job writes stays text: HTML, links, terminal commands', async () => {
    const output = String.raw`<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>\n\033[31mred\033[0m \033]0;owned\007title \033]8;;javascript:alert(1)\033\\click\033]8;;\033\\ \033]52;c;b3duZWQ=\007clip\n`
    const id = await submit(
      `printf '${output.replaceAll("'", `'\\''`)}'; echo problem >&2`,
      '<b onclick=alert(1)>name</b>',
    )
    await ended(system, id)
    const page = await openSignedIn(`/jobs/${id}`)
    await page.getByText('3 lines · complete').waitFor()
    const text = await logText(page)
    expect(text).toContain(`<img src=x onerror="document.title='owned'"><script>`)
    expect(text).toContain('red title click clip')
    expect(await page.locator('[data-log-row] :is(img, script, a)').count()).toBe(0)
    expect(await page.locator('.ansi-red-fg').textContent()).toBe('red')
    expect(await page.title()).not.toBe('owned')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('<b onclick=alert(1)>name</b>')
    await page.getByRole('button', { name: 'stderr' }).click()
    await expect.poll(() => logText(page)).toBe('problem\n')
  })

  test('is used by keyboard and in both themes; dialogs and notices keep to the content policy', async () => {
    const page = await openSignedIn('/jobs')
    await page.locator('[data-job-row]').first().waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('A page, an act').waitFor()
    await page.keyboard.type('dark colours')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('html').getAttribute('class')).toBe('dark')
    await page.reload()
    await page.locator('[data-job-row]').first().waitFor()
    expect(await page.locator('html').getAttribute('class')).toContain('dark')
    await page.keyboard.press('/')
    await page.keyboard.type('a long log')
    await page.waitForURL('**/jobs?q=a+long+log')
    await expect.poll(() => page.locator('[data-job-row]').count()).toBe(1)
    await page.locator('[data-job-row]').click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Job deleted').waitFor()
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    await expect.poll(() => page.getByText('a long log').count()).toBe(0)
    const policy = (await page.request.get('/')).headers()['content-security-policy'] ?? ''
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe')
  })

  test('a job that is not there, a session that is over', async () => {
    const page = await openSignedIn('/jobs/zzzzzzzzzzzz')
    await page.getByRole('heading', { name: 'No such job' }).waitFor()
    await page.getByRole('link', { name: 'All jobs', exact: true }).click()
    await page.locator('[data-job-row]').first().waitFor()
    await page.context().clearCookies()
    await page.locator('[data-job-row]').first().click()
    await page.getByText('Your session is over').waitFor()
  })
})

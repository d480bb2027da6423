/** Pipelines in the dashboard: a project directory on a real server, started, watched, decided and repeated by hand. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { seriousFindings } from './axe.ts'
import { findChromium, launchBrowser, watchedPage, type WatchedPage } from './browser.ts'
import { makeProject, type Project } from './project.ts'
import { startSystem, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the browser tests of pipelines, ${missing}`)

type Box = Record<'scrollHeight' | 'clientHeight' | 'scrollTop', number>

/** `test` runs until the file `gate` is there. */
const file = `pipelines:
  shop:
    description: Builds, tests and ships the shop
    parameters:
      branch: {type: string, default: main, description: What to build}
      environment: {type: choice, choices: [staging, production], required: true}
    tasks:
      build:
        script: ['echo building {{ .branch }} for {{ .environment }}']
      test:
        depends_on: [build]
        script: ['until [ -e gate ]; do sleep 0.05; done; echo tested']
      lint:
        depends_on: [build]
        for_each: [js, css]
        script: ['echo linted {{ .item }}']
      approve:
        depends_on: [test, lint]
        approval: {message: Ship it?}
      ship:
        depends_on: [approve]
        script: ['echo shipped']
  chatty:
    tasks:
      chat:
        script: ['seq -f "line %g" 200; until [ -e heard ]; do sleep 0.05; done; echo the last']
  flaky:
    tasks:
      first:
        script: ['echo first']
      second:
        depends_on: [first]
        script: ['test -e fixed']
`

describe.skipIf(missing !== null)('pipelines in the dashboard', () => {
  let system: System
  let browser: Browser
  let project: Project
  let watched: WatchedPage | undefined

  beforeAll(async () => {
    project = await makeProject({ 'pipelines.yml': file })
    system = await startSystem({ RUNYARD_PIPELINES: project.dir, RUNYARD_RUNNER_SLOTS: '4' })
    browser = await launchBrowser(chromium!)
  })
  afterAll(async () => {
    await browser?.close()
    await system?.stop()
    await project?.remove()
  })
  afterEach(async () => {
    const seen = watched
    watched = undefined
    await seen?.page.context().close()
    expect(seen?.faults ?? []).toEqual([])
    expect(seen?.foreign ?? []).toEqual([])
  })

  const open = async (path: string, options: { width?: number } = {}): Promise<Page> => {
    const { width = 1280 } = options
    watched = await watchedPage(browser, system.url, {
      reducedMotion: 'reduce',
      locale: 'en-US',
      viewport: { width, height: 844 },
    })
    const { page } = watched
    page.setDefaultTimeout(15_000)
    await page.goto(path)
    await page.getByLabel('Username').fill('admin')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    return page
  }
  const row = (page: Page, name: string) =>
    page.getByRole('row').filter({ has: page.getByRole('button', { name, exact: true }) })
  const task = (page: Page, name: string) => row(page, name).getByRole('button', { name, exact: true })
  const confirm = (page: Page, name: string) => page.getByRole('alertdialog').getByRole('button', { name }).click()
  /** The graph is drawn when each of its nodes has a place. */
  const drawn = (page: Page, nodes: number) => expect.poll(() => page.locator('.react-flow__node').count()).toBe(nodes)
  const sideways = (page: Page) =>
    page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

  test('a run is started by a form, watched in its graph, approved, and its logs read', async () => {
    const page = await open('/pipelines')
    await page.getByRole('link', { name: 'shop' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.keyboard.press('/')
    await page.keyboard.type('sho')
    await page.getByRole('link', { name: 'flaky' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Start shop' }).click()
    const form = page.getByRole('dialog', { name: 'Start shop' })
    await form.getByLabel('branch').fill('new-cart')
    await form.getByRole('button', { name: 'Start' }).click()
    await form.getByText('is required').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await form.getByLabel('environment').selectOption('staging')
    await form.getByRole('button', { name: 'Start' }).click()

    await page.waitForURL('**/runs/*')
    await drawn(page, 5)
    await row(page, 'test').getByText('Running', { exact: true }).waitFor()
    await row(page, 'lint').getByText('Done', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Show the instances of lint' }).click()
    await row(page, 'lint #2').getByText('css').waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'Hide the instances of lint' }).click()
    await page.keyboard.press('k')
    await page.locator('[data-task=build]:focus').waitFor()
    await page.keyboard.press('Enter')
    const panel = page.getByRole('dialog')
    await panel.getByText('building new-cart for staging').waitFor()
    await panel.getByRole('region', { name: 'Script' }).getByText('{{ .branch }}').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.keyboard.press('Escape')

    await project.write('gate', '')
    await row(page, 'approve').getByText('To approve', { exact: true }).waitFor()
    await task(page, 'approve').click()
    await panel.getByText('Ship it?').waitFor()
    await panel.getByLabel('Note').fill('looks good')
    await panel.getByRole('button', { name: 'Approve' }).click()
    await confirm(page, 'Approve')
    await panel.getByText(/Approved by admin.*looks good/).waitFor()
    await page.keyboard.press('Escape')
    await row(page, 'ship').getByText('Done', { exact: true }).waitFor()
    await page.getByText('Succeeded', { exact: true }).first().waitFor()
    await page.getByText('critical path').first().waitFor()
  })

  test('a run is cancelled, another waits for it, and one that failed is repeated from there', async () => {
    await rm(join(project.dir, 'gate'), { force: true })
    const variables = { environment: 'staging' }
    const first = await system.api.calls.pipelines.start({ name: 'shop', variables })
    const second = await system.api.calls.pipelines.start({ name: 'shop', variables })
    const page = await open('/pipelines/shop?tab=waiting')
    const list = page.getByRole('list', { name: 'Waiting runs' })
    await list.getByRole('link', { name: second.id }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('button', { name: `Cancel run ${second.id}` }).click()
    await confirm(page, 'Cancel the run')
    await page.getByRole('heading', { name: 'Nothing is waiting' }).waitFor()
    await page.goto(`/runs/${first.id}`)
    await row(page, 'test').getByText('Running', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await confirm(page, 'Cancel the run')
    await row(page, 'test').getByText('Cancelled', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Re-run from start' }).waitFor()

    const flaky = await system.api.calls.pipelines.start({ name: 'flaky', variables: {} })
    await page.goto(`/runs/${flaky.id}`)
    await row(page, 'second').getByText('Failed', { exact: true }).waitFor()
    await project.write('fixed', '')
    await page.getByRole('button', { name: 'Re-run from failed' }).click()
    await confirm(page, 'Run again')
    await page.waitForURL((url) => !url.pathname.endsWith(flaky.id))
    await row(page, 'second').getByText('Done', { exact: true }).waitFor()
    await page.getByRole('link', { name: flaky.id }).waitFor()
  })

  test('a log longer than the window scrolls inside the task, and its end is followed', async () => {
    const { id } = await system.api.calls.pipelines.start({ name: 'chatty', variables: {} })
    const page = await open(`/runs/${id}?task=chat`)
    const panel = page.getByRole('dialog')
    await panel.getByText('line 200', { exact: true }).waitFor()
    await project.write('heard', '')
    await panel.getByText('the last', { exact: true }).waitFor()
    const log = panel.getByLabel('Log output')
    const hidden = (element: Box) => element.scrollHeight - element.clientHeight
    const below = (element: Box) => element.scrollHeight - element.clientHeight - element.scrollTop
    expect(await panel.evaluate(hidden)).toBe(0)
    expect(await log.evaluate(hidden)).toBeGreaterThan(1000)
    await expect.poll(() => log.evaluate(below)).toBeLessThan(2)
  })

  test('its pages fit a phone, and say what it is made of', async () => {
    const page = await open('/pipelines', { width: 390 })
    await page.getByRole('link', { name: 'shop' }).waitFor()
    expect(await sideways(page)).toBe(0)
    await page.getByRole('link', { name: 'shop' }).click()
    await page
      .getByRole('list', { name: 'Runs, newest first' })
      .getByText('Cancelled', { exact: true })
      .first()
      .waitFor()
    expect(await sideways(page)).toBe(0)
    await page.getByRole('tab', { name: /^Graph/ }).click()
    await drawn(page, 5)
    expect(await sideways(page)).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    await project.write('pipelines.yml', file.replace('echo shipped', 'echo sent'))
    await page.getByText('version 2', { exact: true }).waitFor()
    await page.getByRole('tab', { name: /^Versions/ }).click()
    const lines = page.getByRole('region', { name: 'Changed lines' })
    await lines.getByText('echo sent').waitFor()
    await lines.getByText('echo shipped').waitFor()
    expect(await sideways(page)).toBe(0)
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('tab', { name: 'Source' }).click()
    await page.getByRole('region', { name: 'Source' }).getByText('echo sent').waitFor()
    expect(await sideways(page)).toBe(0)
  })

  test('a schedule is made with its next times in sight, and is paused', async () => {
    const page = await open('/schedules')
    await page.getByRole('heading', { name: 'No schedules' }).waitFor()
    await page.getByRole('button', { name: 'New schedule' }).click()
    const form = page.getByRole('dialog', { name: 'New schedule' })
    await form.getByLabel('Pipeline').selectOption('flaky')
    await form.getByLabel('Name').fill('nightly')
    const times = form.getByRole('region', { name: 'Next times' })
    await form.getByRole('textbox', { name: 'Cron' }).fill('61 3 * * *')
    await times.getByText(/cron/i).waitFor()
    await form.getByRole('textbox', { name: 'Cron' }).fill('30 3 * * *')
    await expect.poll(() => times.getByRole('listitem').count()).toBe(10)
    expect(await seriousFindings(page)).toEqual([])
    await form.getByRole('button', { name: 'Create' }).click()
    const line = page.getByRole('row', { name: /nightly/ })
    await line.getByText('every day at 03:30').waitFor()
    await line.getByRole('button', { name: 'Pause nightly' }).click()
    await confirm(page, 'Pause')
    await line.getByText('Paused', { exact: true }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })
})

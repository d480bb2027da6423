/** Batches in the dashboard: real shell tests on a real server, in two browsers. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { seriousFindings } from './axe.ts'
import { findChromium, launchBrowser, watchedPage, type WatchedPage } from './browser.ts'
import { startSystem, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the browser tests of batches, ${missing}`)

/** One of seven fails; each reports a test of its own and one that all share. */
const shellTest = (index: number) => {
  const failed = index % 7 === 3
  const shared = failed ? "<failure message='expected 3, got 4'/>" : ''
  return {
    name: `test-${index}`,
    queue: 'gate',
    junit: ['r.xml'],
    command: [
      'bash',
      '-c',
      `echo "<testsuite name='s'><testcase name='own ${index}'/><testcase name='shared'>${shared}</testcase></testsuite>" > r.xml
      echo "this is test ${index}"; sleep 0.3; exit ${failed ? 3 : 0}`,
    ],
  }
}

describe.skipIf(missing !== null)('batches in the dashboard', () => {
  let system: System
  let browsers: Browser[] = []
  const watched: WatchedPage[] = []

  beforeAll(async () => {
    system = await startSystem({ RUNYARD_RUNNER_SLOTS: '4' })
    browsers = [await launchBrowser(chromium!), await launchBrowser(chromium!)]
  })
  afterAll(async () => {
    for (const browser of browsers) await browser.close()
    await system?.stop()
  })
  afterEach(async () => {
    const seen = watched.splice(0)
    for (const { page } of seen) await page.context().close()
    expect(seen.flatMap(({ faults }) => faults)).toEqual([])
    expect(seen.flatMap(({ foreign }) => foreign)).toEqual([])
  })

  /** Jobs of the queue `gate` wait while it is closed. */
  const gate = (open: boolean) => system.api.calls.queues.put({ name: 'gate', paused: !open })
  const batchOf = async (name: string, size: number) =>
    (
      await system.api.calls.batches.create({
        name,
        jobs: Array.from({ length: size }, (_, index) => shellTest(index)),
      })
    ).id
  const open = async (path: string, browser = browsers[0]!): Promise<Page> => {
    const one = await watchedPage(browser, system.url, { locale: 'en-US' })
    watched.push(one)
    const { page } = one
    page.setDefaultTimeout(20_000)
    await page.goto(path)
    await page.getByLabel('Username').fill('admin')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    return page
  }
  /** All five numbers at one moment: waiting, running, failed, passed, cancelled. */
  const counters = async (page: Page) =>
    (await page.evaluate(
      `[...document.querySelectorAll('[data-count]')].map((element) => Number(element.textContent))`,
    )) as number[]
  const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)
  const confirm = (page: Page, name: string | RegExp) =>
    page.getByRole('alertdialog').getByRole('button', { name }).click()
  const row = (page: Page, name: string) =>
    page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })

  test('an empty gallery tells the first step', async () => {
    const page = await open('/batches')
    await page.getByRole('heading', { name: 'No batches yet' }).waitFor()
    await page.getByText('npx runyard batch submit batch.yml').waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  test('goes from waiting over running to its end in two browsers with the same counters', async () => {
    await gate(false)
    const id = await batchOf('nightly', 40)
    const pages = [await open(`/batches/${id}`), await open(`/batches/${id}`, browsers[1])]
    for (const page of pages) await expect.poll(() => counters(page)).toEqual([40, 0, 0, 0, 0])
    await pages[0]!
      .getByText(/paused/i)
      .first()
      .waitFor() // why they wait

    await gate(true)
    const seen = await Promise.all(
      pages.map(async (page) => {
        const readings: number[][] = []
        await expect
          .poll(async () => readings.push(await counters(page)) && readings.at(-1), { interval: 30, timeout: 30_000 })
          .toEqual([0, 0, 34, 6, 0])
        return readings
      }),
    )
    for (const readings of seen) {
      expect(readings.filter((reading) => sum(reading) !== 40)).toEqual([])
      expect(readings.some(([, running]) => running! > 0)).toBe(true)
    }
    const [page] = pages as [Page]
    await page.getByText('100%').waitFor()
    await row(page, 'test-3').getByText('Failed', { exact: true }).waitFor()
    await row(page, 'test-0').getByText('Passed', { exact: true }).waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('l')
    await page.getByRole('dialog').getByText('this is test 10').waitFor()
    await page.keyboard.press('Escape')
    await page
      .getByRole('region', { name: 'Failures' })
      .getByText(/code 3/)
      .click()
    await expect.poll(() => page.locator('[data-row]').count()).toBe(6)
    await page.getByLabel('Choose all that are shown').check()
    await page.getByRole('toolbar', { name: 'Chosen jobs' }).getByText('6 chosen').waitFor()

    await page.getByRole('tab', { name: /^Tests/ }).click()
    await page.getByText('74 passed, 6 failed').waitFor()
    await page.getByText('shared').first().click()
    await page.getByText('expected 3, got 4').first().waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.goto('/tests?order=failing')
    const line = page.getByRole('row', { name: /shared/ })
    await line.getByText('40', { exact: true }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
  })

  test('the gallery opens a batch to its members and their logs; failed ones run again', async () => {
    const page = await open('/batches')
    const card = page.locator('[data-batch]', { hasText: 'nightly' })
    await card.getByText('34 passed').waitFor()
    await card.getByRole('button', { name: 'Show the members of nightly' }).click()
    const first = card.getByRole('list', { name: 'Members of nightly' }).getByRole('listitem').first()
    await first.getByText('Failed', { exact: true }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await card.getByRole('button', { name: 'View logs of test-10', exact: true }).click()
    await page.getByRole('dialog').getByText('this is test 10').waitFor()
    await page.getByRole('button', { name: 'Next member' }).click()
    await page.getByRole('dialog').getByText('this is test 3').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.keyboard.press('Escape')

    await gate(false)
    await card.getByRole('link', { name: 'nightly' }).click()
    await page.getByRole('button', { name: 'Re-run failed' }).click()
    const before = page.url()
    await confirm(page, 'Run 6 jobs again')
    await page.waitForURL((url) => url.href !== before)
    await page.getByText(/^Runs \w{12} again$/).waitFor()
    await expect.poll(() => counters(page)).toEqual([6, 0, 0, 0, 0])

    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await confirm(page, 'Let it run')
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await confirm(page, 'Cancel the batch')
    await expect.poll(() => counters(page)).toEqual([0, 0, 0, 0, 6])
  })

  test('forces a batch to be complete and deletes it', async () => {
    await gate(false)
    const id = await batchOf('stuck', 5)
    const page = await open(`/batches/${id}`)
    await page.getByRole('button', { name: 'Force complete' }).click()
    await confirm(page, 'Complete it now')
    await expect.poll(() => counters(page)).toEqual([0, 0, 0, 0, 5])
    await page.getByRole('button', { name: 'Delete' }).click()
    await confirm(page, 'Delete')
    await page.waitForURL('**/batches')
    await page.getByText('nightly').first().waitFor()
    expect(await page.getByText('stuck').count()).toBe(0)
    await page.goto(`/batches/${id}`)
    await page.getByRole('heading', { name: 'No such batch' }).waitFor()
  })

  test('writes a batch: preview, errors at their place, a template, submit', async () => {
    const page = await open('/batches/new')
    await page.getByLabel('Name', { exact: true }).fill('fan')
    await page.getByLabel('Axis 1: values').fill('x,')
    await page.getByLabel('Shell line').fill('echo shard {{matrix.shard}}')
    const preview = page.getByRole('region', { name: 'Preview' })
    await preview.getByText('5 jobs').waitFor()
    await preview.getByText('shard=x').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Shell line').fill('echo {{matrix.chard}}')
    await preview.getByText(/chard/).first().waitFor()
    await page.getByLabel('Shell line').fill('echo shard {{matrix.shard}}')

    await page.getByRole('button', { name: 'Save as template' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('fan-of-five')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Document' }).click()
    const text = page.getByLabel('Batch document')
    await text.fill((await text.inputValue()) + 'exclude:\n  - shard: x\n')
    await preview.getByText('4 jobs').waitFor()
    await page.getByText('more than the form can show').waitFor()
    await page.getByLabel('Begin with a template').selectOption({ label: 'fan-of-five' })
    await page.getByRole('button', { name: 'Submit 5 jobs' }).click()
    await page.getByRole('heading', { name: 'fan' }).waitFor()
    await expect.poll(() => counters(page), { timeout: 20_000 }).toEqual([0, 0, 5, 0, 0])
  })
})

/**
 * The page of a batch of ten thousand quick jobs while they run, in Chromium: is each update drawn in less than 100 ms?
 * Beside it, at the same time in a browser of its own, the page of a batch of a hundred that has ended. The jobs take
 * both cores from the browser, which a user's machine would not do: so the figures are of the time that the page's main
 * thread computed (script, style, layout and paint of a task), not of the clock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { findChromium, launchBrowser, watchedPage } from '../../e2e/browser.ts'
import { until, type System } from '../../e2e/system.ts'
import { withSystem } from '../benched-system.ts'
import { percentile, type Figure } from '../figures.ts'

const members = Number(process.env.BENCH_BATCH_MEMBERS ?? 10_000)
/** A task of the main thread from which on it counts as one that may have drawn something, ms. */
const noticeable = 2

interface Watched {
  page: Page
  browser: Browser
  session: CDPSession
  events: TraceEvent[]
}

/** The fields that matter of Chromium's trace: `tdur` is what the thread computed, µs. */
interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  tdur?: number
  args?: { name?: string }
}

export async function batchPage(): Promise<Figure[]> {
  const chromium = findChromium()
  if (chromium === null) throw new Error('no chromium on this machine')
  return withSystem(async (system) => {
    const small = await submit(system, 100)
    await isEnded(system, small)
    const control = await openBatch(system, chromium, small)
    const large = await submit(system, members)
    const watched = await openBatch(system, chromium, large)
    try {
      return await measure(system, large, watched, control)
    } finally {
      await watched.browser.close()
      await control.browser.close()
    }
  })
}

async function measure(system: System, batch: string, watched: Watched, control: Watched): Promise<Figure[]> {
  const pages = [watched, control]
  for (const { session } of pages) await session.send('Tracing.start', tracing)
  const begun = performance.now()
  const end = isEnded(system, batch).then(() => (over = true))
  let over = false
  while (!over) {
    // What a user does meanwhile: goes through the table.
    for (const { page } of pages) await page.mouse.wheel(0, 400)
    await sleep(500)
  }
  await end
  const seconds = (performance.now() - begun) / 1000
  await watched.page.getByText(`${members.toLocaleString('en-US')} of ${members.toLocaleString('en-US')}`).waitFor()
  const updates = (await watched.page.evaluate('updates')) as number
  const [busy, calm] = [await tasksOf(watched), await tasksOf(control)]
  const against = (name: string, unit: string, of: (tasks: number[]) => number): Figure => ({
    name,
    value: of(busy),
    unit,
    control: { name: 'page of an ended batch of 100', value: of(calm) },
  })
  return [
    against('longest task of the page', 'ms', (tasks) => Math.max(...tasks)),
    against(`tasks over ${noticeable} ms: 99 of 100 take at most`, 'ms', (tasks) =>
      percentile(
        tasks.filter((ms) => ms > noticeable),
        0.99,
      ),
    ),
    against('work of the page in a second', 'ms', (tasks) => tasks.reduce((sum, ms) => sum + ms, 0) / seconds),
    { name: 'updates of the counters in a second', value: updates / seconds, unit: '' },
    { name: `${members} jobs`, value: seconds, unit: 's' },
  ]
}

const tracing = { transferMode: 'ReportEvents' as const, traceConfig: { includedCategories: ['toplevel'] } }

/** Of every task of the page's main thread, ms. */
async function tasksOf({ session, events }: Watched): Promise<number[]> {
  const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()))
  await session.send('Tracing.end')
  await complete
  const place = ({ pid, tid }: TraceEvent) => `${pid}:${tid}`
  const main = new Set(
    events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(place),
  )
  return events
    .filter((event) => event.ph === 'X' && event.name.endsWith('RunTask') && main.has(place(event)))
    .map(({ tdur = 0 }) => tdur / 1000)
}

/** One of ten fails, so that the summary of failures and the order of the table have work too. */
async function submit(system: System, size: number): Promise<string> {
  const jobs = Array.from({ length: size }, (_, index) => ({
    name: `test ${index}`,
    isolation: 'none',
    command: ['bash', '-c', index % 10 === 0 ? `exit ${1 + (index % 3)}` : 'true'],
  }))
  return (await system.api.calls.batches.create({ name: `batch of ${size}`, jobs })).id
}

const isEnded = (system: System, id: string) =>
  until('the end of the batch', async () => (await system.api.calls.batches.get({ id })).ended_at !== null, 600_000)

/** Text, because it runs in the page. */
const countUpdates = `window.updates = 0
  addEventListener('DOMContentLoaded', () =>
    new MutationObserver((changes) => {
      if (changes.some(({ target }) => target.parentElement?.dataset.count)) updates++
    }).observe(document, { subtree: true, characterData: true }))`

async function openBatch(system: System, chromium: string, id: string): Promise<Watched> {
  const browser = await launchBrowser(chromium)
  const { page } = await watchedPage(browser, system.url, { viewport: { width: 1440, height: 900 }, locale: 'en-US' })
  await page.addInitScript(countUpdates)
  await page.goto(`/batches/${id}`)
  await page.getByLabel('Username').fill('admin')
  await page.getByLabel('Password').fill('correct horse battery')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('[data-row]').first().hover()
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  return { page, browser, session, events }
}

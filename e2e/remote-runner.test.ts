/**
 * Runners on other machines, over a real network that can be cut. By hand with the times that hold in production
 * (leases of 30 s, links lost for 20 s and for 120 s): RUNYARD_TEST_TRUE_TIMES=1.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { beating, beatsOf, beatsPrinted, makeSite, noMachines, type RemoteRunner, type Site } from './machines.ts'
import { ended, logOf, until } from './system.ts'

const asInProduction = process.env['RUNYARD_TEST_TRUE_TIMES'] === '1'
/**
 * Seconds. `keep`: an attempt lives on so long without contact; `gone`: all of it is dead by then. `again`: a second
 * attempt that is not over when the link is there again.
 */
const times = asInProduction
  ? { keep: 50, gone: 58, regrant: 60, shortCut: 20, longCut: 120, job: 75, again: 75 }
  : { keep: 10, gone: 12, regrant: 12, shortCut: 5, longCut: 14, job: 20, again: 5 }
const leases: Record<string, string> = asInProduction
  ? {}
  : { RUNYARD_HEARTBEAT_SECONDS: '1', RUNYARD_LEASE_SECONDS: '8', RUNYARD_GRACE_SECONDS: '4' }

let site: Site
let running: RemoteRunner[] = []
beforeAll(async () => {
  if (noMachines) return
  site = await makeSite(['a', 'b'], { ...leases, RUNYARD_RUNNER_SLOTS: '2' })
  for (const machine of site.machines) await machine.enrol()
})
afterEach(async () => {
  for (const runner of running) await runner.stop()
  running = []
})
afterAll(() => site?.remove())

async function startRunner(nr: 0 | 1): Promise<RemoteRunner> {
  const machine = site.machines[nr]!
  const runner = machine.runner()
  running.push(runner)
  await site.online(machine.link.name).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${runner.words()}`)
  })
  return runner
}

let jobs = 0
async function submit(first: number, more: object = {}, code = 0, again = first): Promise<{ id: string; tag: string }> {
  const tag = `job-${++jobs}`
  const spec = {
    command: beating(tag, { first, again }, code),
    working_dir: site.witness,
    retry: { backoff_seconds: 0 },
    ...more,
  }
  const { id } = (await site.system.api.calls.jobs.submit(spec as never)) as { id: string }
  return { id, tag }
}

const begun = (tag: string, attempt = 1) =>
  until(
    `attempt ${attempt} of ${tag}`,
    async () => beatsOf(site, tag).some((beat) => beat.attempt === attempt),
    (attempt === 1 ? 20 : times.regrant + 40) * 1000,
  )

const attemptsOf = async (id: string) =>
  (await site.system.api.calls.jobs.attempts({ id })).attempts.map(({ state, runner }) => `${runner} ${state}`)

/** When the witness of an attempt wrote first and last. */
function spanOf(tag: string, attempt: number): { first: number; last: number } {
  const all = beatsOf(site, tag).flatMap((beat) => (beat.attempt === attempt ? [beat.at] : []))
  return { first: Math.min(...all), last: Math.max(...all) }
}

test.skipIf(noMachines)('jobs run there, with live output and exit codes, and `runner ls` knows where', async () => {
  await startRunner(0)
  const { id, tag } = await submit(3, {}, 7)
  await begun(tag)
  await until('live output', async () => (await logOf(site.system, id)).toString().startsWith('beat 1\n'))
  expect(await site.system.api.calls.jobs.get({ id })).toMatchObject({ ended_at: null })
  expect(await ended(site.system, id)).toMatchObject({ state: 'failed', result: { exit_code: 7 } })
  expect((await logOf(site.system, id)).toString()).toBe(beatsPrinted(3))
  expect(await attemptsOf(id)).toEqual(['a failed'])
  const { stdout } = await site.system.cli(['runner', 'ls', '--state', 'online', '--json'])
  expect(JSON.parse(stdout)).toMatchObject([{ name: 'a', state: 'online', certificate: { revoked_at: null } }])
  const listed = await site.system.cli(['runner', 'ls'])
  expect(listed.stdout).toMatch(/^a +online +0\/2 .* until \d{4}-/m)
})

test.skipIf(noMachines)('a server of another authority is refused, and so is a token that was used', async () => {
  const [, b] = site.machines
  const elsewhere = mkdtempSync(join(tmpdir(), 'ry-other-ca-'))
  try {
    const other = await site.system.cli(['certs', 'ls', '--data-dir', elsewhere]) // it has none: nothing is there yet
    expect(other.code).not.toBe(0)
    const cert = join(b!.dataDir, 'runner-identity')
    const wrong = b!.runner(['--cert', `${cert}/runner.crt`, '--ca', `${cert}/runner.crt`, '--server', site.server])
    expect(await new Promise((resolve) => wrong.process.once('exit', resolve))).toBe(1)
    expect(wrong.words()).toMatch(/--ca: the server shows a certificate of another authority/)
  } finally {
    rmSync(elsewhere, { recursive: true, force: true })
  }
  const token = (await site.system.cli(['runner', 'token', 'b', '--servers', site.server])).stdout
  const refused = await b!.cli(['runner', 'enrol', '-'], token)
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/is the runner b already: --force/)])
  expect(await b!.cli(['runner', 'enrol', '-', '--force'], token)).toMatchObject({ code: 0 })
  const again = await b!.cli(['runner', 'enrol', '-', '--force'], token)
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/the token does not hold/)])
  await startRunner(1) // as what it was enrolled anew
})

test.skipIf(noMachines)(
  `the link is lost for ${times.shortCut} s: the job goes on, one attempt, a whole log`,
  async () => {
    await startRunner(0)
    const seconds = times.shortCut + 5
    const { id, tag } = await submit(seconds, {}, 3)
    await begun(tag)
    const heal = await site.machines[0]!.link.cut('drop')
    await sleep(times.shortCut * 1000)
    await heal()
    expect(await ended(site.system, id, 90_000)).toMatchObject({ state: 'failed', result: { exit_code: 3 } })
    expect(await attemptsOf(id)).toEqual(['a failed'])
    expect((await logOf(site.system, id)).toString()).toBe(beatsPrinted(seconds))
  },
)

test.skipIf(noMachines)(
  `the link is lost for ${times.longCut} s: dead there before it runs elsewhere, and the runner comes back`,
  async () => {
    const first = await startRunner(0)
    const { id, tag } = await submit(times.job, { max_attempts: 2 }, 0, times.again)
    await begun(tag)
    await startRunner(1)
    const cutAt = Date.now()
    const heal = await site.machines[0]!.link.cut('drop')
    try {
      await begun(tag, 2)
      const before = spanOf(tag, 1)
      expect((before.last - cutAt) / 1000).toBeLessThan(times.gone)
      expect((before.last - cutAt) / 1000).toBeGreaterThan(times.keep / 2) // it was not given up early
      await sleep(Math.max(0, cutAt + times.longCut * 1000 - Date.now()))
      expect(await site.system.api.calls.jobs.get({ id })).toMatchObject({ ended_at: null })
    } finally {
      await heal()
    }
    expect(await ended(site.system, id, 120_000)).toMatchObject({ state: 'succeeded' })
    expect(await attemptsOf(id)).toEqual(['a lost', 'b succeeded'])
    expect(spanOf(tag, 2).first).toBeGreaterThan(spanOf(tag, 1).last)
    expect((await logOf(site.system, id)).toString()).toBe(beatsPrinted(times.again, 'again'))
    // The other one goes, so that what comes now is taken by the one that was away.
    await running.pop()!.stop()
    await site.online('a')
    const next = await submit(1)
    await ended(site.system, next.id, 60_000)
    expect(await attemptsOf(next.id)).toEqual(['a succeeded'])
    expect(first.process.exitCode).toBeNull()
  },
  400_000,
)

test.skipIf(noMachines)('kill -9 of the runner: the job runs on, its successor brings log and exit code', async () => {
  const first = await startRunner(0)
  const { id, tag } = await submit(6, {}, 5)
  await begun(tag)
  await first.kill()
  const killed = beatsOf(site, tag).length
  await until('beats without a runner', async () => beatsOf(site, tag).length > killed + 5)
  await startRunner(0)
  expect(await ended(site.system, id)).toMatchObject({ state: 'failed', result: { exit_code: 5 } })
  expect(await attemptsOf(id)).toEqual(['a failed'])
  expect((await logOf(site.system, id)).toString()).toBe(beatsPrinted(6))
})

test.skipIf(noMachines)(
  'kill -9 and no successor: the job is dead before another machine runs it again',
  async () => {
    const first = await startRunner(0)
    const { id, tag } = await submit(times.job, { max_attempts: 2 }, 0, 2)
    await begun(tag)
    await startRunner(1)
    const killedAt = Date.now()
    await first.kill()
    await begun(tag, 2)
    expect((spanOf(tag, 1).last - killedAt) / 1000).toBeLessThan(times.gone)
    expect(await ended(site.system, id, 120_000)).toMatchObject({ state: 'succeeded' })
    expect(await attemptsOf(id)).toEqual(['a lost', 'b succeeded'])
    expect(spanOf(tag, 2).first).toBeGreaterThan(spanOf(tag, 1).last)
  },
  400_000,
)

test.skipIf(noMachines)(
  'a copied data directory is seen although the host name is the same; a restart is not one',
  async () => {
    const [a, b] = site.machines
    const listed = async () => (await site.system.cli(['runner', 'ls'])).stdout
    const first = await startRunner(0)
    await first.kill()
    const again = await startRunner(0)
    expect(await listed()).not.toMatch(/are there two/)
    const copy = join(b!.dataDir, '..', 'copied')
    cpSync(a!.dataDir, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
    running.push(b!.runner(['--data-dir', copy]))
    expect(await new Promise((resolve) => again.process.once('exit', resolve))).toBe(1)
    expect(await listed()).toMatch(/took the name from another process, on .* are there two\?/)
  },
)

test.skipIf(noMachines)(
  'a revoked certificate: the runner is out at once, and its job is dead before it runs again elsewhere',
  async () => {
    const first = await startRunner(0)
    const { id, tag } = await submit(times.job, { max_attempts: 2 }, 0, 2)
    await begun(tag)
    await startRunner(1)
    expect((await site.system.cli(['certs', 'revoke', 'a', '--yes'])).code).toBe(0)
    expect(await new Promise((resolve) => first.process.once('exit', resolve))).toBe(1)
    await begun(tag, 2)
    expect(await ended(site.system, id, 120_000)).toMatchObject({ state: 'succeeded' })
    expect(await attemptsOf(id)).toEqual(['a lost', 'b succeeded'])
    expect(spanOf(tag, 2).first).toBeGreaterThan(spanOf(tag, 1).last)
    const refused = site.machines[0]!.runner()
    expect(await new Promise((resolve) => refused.process.once('exit', resolve))).toBe(1)
    expect(refused.words()).toMatch(/certificate does not hold/)
    expect((await site.system.cli(['runner', 'ls'])).stdout).toMatch(/^a .* revoked$/m)
  },
  400_000,
)

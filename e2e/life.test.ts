/** A job's life through every part, on a real system: the promises of the product, seen from outside. */
import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ended, logOf, startSystem, until, type System } from './system.ts'

/** The full count of the issue runs by hand: RUNYARD_LIFE_JOBS=10000 npx vitest run e2e/life.test.ts */
const manyJobs = Number(process.env['RUNYARD_LIFE_JOBS'] ?? 400)

let system: System

beforeAll(async () => {
  system = await startSystem({ RUNYARD_RUNNER_SLOTS: '4' })
}, 90_000)
afterAll(() => system?.stop(), 60_000)

const submit = (spec: Record<string, unknown>): Promise<{ id: string }> =>
  system.api.calls.jobs.submit(spec as never) as Promise<{ id: string }>

const run = async (command: string[], spec: Record<string, unknown> = {}) => {
  const { id } = await submit({ command, ...spec })
  const job = await ended(system, id)
  return { id, job, out: async (stream?: 'stdout' | 'stderr') => (await logOf(system, id, stream)).toString() }
}

test('a job runs in a sandbox, and its end proves that nothing is left', async () => {
  const { job, out } = await run(['sh', '-c', 'echo out; echo err >&2; exit 7'])
  expect(job).toMatchObject({
    state: 'failed',
    status: 'failed',
    result: { exit_code: 7, error_class: 'exit', remaining_processes: 0 },
  })
  expect(await out('stdout')).toBe('out\n')
  expect(await out('stderr')).toBe('err\n')
})

test('the sandbox hides the host', async () => {
  expect((await run(['cat', '/etc/shadow'])).job.state).toBe('failed')
  expect((await run(['ls', '/root'])).job.state).toBe('failed')
  const ps = await run(['sh', '-c', 'ls /proc | grep -c "^[0-9]"'])
  expect(Number(await ps.out())).toBeLessThan(8)
  const port = new URL(system.url).port
  const local = await run(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`])
  expect(local.job.state).toBe('failed')
  expect(await (await run(['id', '-u'])).out()).not.toBe('0\n')
  expect((await run(['touch', '/usr/x'])).job.state).toBe('failed')
})

test('limits hold: time, memory, processes, disk, output', async () => {
  const slow = await run(['sleep', '60'], { timeout_seconds: 0.5, stop_grace_seconds: 1 })
  expect(slow.job).toMatchObject({ state: 'timed_out', result: { error_class: 'timeout' } })
  const hog = await run(['tail', '/dev/zero'], { limits: { memory_bytes: 32 << 20 } })
  const { runners } = await system.api.calls.runners.list()
  const { limits } = runners[0]!.facilities as { limits: { memory_bytes: { held: boolean } } }
  // Held, or refused with the reason: nothing runs unlimited in silence.
  if (limits.memory_bytes.held) {
    expect(hog.job).toMatchObject({ state: 'oom_killed', result: { error_class: 'oom' } })
  } else {
    expect(hog.job).toMatchObject({ state: 'failed', result: { error_class: 'refused' } })
    expect(hog.job.result?.message).toContain('memory_bytes')
  }
  const forks = await run(['bash', '-c', 'for i in $(seq 200); do sleep 30 & done; wait'], {
    limits: { pids: 20 },
    timeout_seconds: 3,
    stop_grace_seconds: 0,
  })
  expect(['timed_out', 'failed']).toContain(forks.job.state)
  expect(forks.job.result?.remaining_processes).toBe(0)
  const disk = await run(['sh', '-c', 'head -c 4000000 /dev/zero > /job/f'], { limits: { disk_bytes: 1 << 20 } })
  expect(disk.job.state).toBe('failed')
  expect(await disk.out('stderr')).toMatch(/No space left/)
  const loud = await run(['sh', '-c', 'head -c 3000000 /dev/zero; echo end >&2'], { limits: { output_bytes: 100_000 } })
  expect(loud.job.state).toBe('succeeded')
  expect((await logOf(system, loud.id, 'stdout')).length).toBeLessThanOrEqual(100_000)
})

test('a log is exactly what was written: NUL, broken UTF-8, no newline, both streams', async () => {
  const script =
    'import os,sys,hashlib,random\nr=random.Random(7)\nh=hashlib.sha256()\nfor i in range(40):\n b=r.randbytes(50000)\n h.update(b)\n os.write(1,b)\nos.write(2,h.hexdigest().encode())'
  const { id, job } = await run(['python3', '-c', script])
  expect(job.state).toBe('succeeded')
  const sha = createHash('sha256')
    .update(await logOf(system, id, 'stdout'))
    .digest('hex')
  expect((await logOf(system, id, 'stderr')).toString()).toBe(sha)
})

test('the same key gives the same job, another body under it is refused', async () => {
  const key = randomUUID()
  const post = (body: unknown) =>
    fetch(`${system.url}/api/v1/jobs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${system.token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    })
  const answers = await Promise.all([1, 2, 3, 4].map(() => post({ command: ['true'] })))
  const ids = new Set(await Promise.all(answers.map(async (a) => ((await a.json()) as { id: string }).id)))
  expect(ids.size).toBe(1)
  expect((await post({ command: ['false'] })).status).toBe(409)
})

test('cancel kills the whole tree, whatever it does', async () => {
  const tricks = [
    'trap "" TERM; while :; do sleep 1; done',
    'setsid sh -c "trap \\"\\" TERM; sleep 300" & setsid sleep 300 & wait',
    '(sleep 300 &) ; (setsid sleep 300 &); sleep 300',
    'kill -STOP $$; sleep 300',
  ]
  await Promise.all(
    tricks.map(async (trick) => {
      const { id } = await submit({ command: ['bash', '-c', `echo up; ${trick}`], stop_grace_seconds: 0.5 })
      await until('its first line', async () => (await logOf(system, id)).length > 0)
      await system.api.calls.jobs.cancel({ id })
      await system.api.calls.jobs.cancel({ id }).catch(() => {}) // twice is no error while it stops
      const job = await ended(system, id)
      expect(job).toMatchObject({ state: 'cancelled', result: { remaining_processes: 0 } })
    }),
  )
})

test('dependencies: run after success, be skipped after failure', async () => {
  const good = await submit({ command: ['true'] })
  const bad = await submit({ command: ['false'] })
  const after = await submit({ command: ['true'], depends_on: [good.id] })
  const skipped = await submit({ command: ['true'], depends_on: [bad.id] })
  const anyway = await submit({ command: ['true'], depends_on: [bad.id], on_dependency_failure: 'run' })
  expect((await ended(system, after.id)).state).toBe('succeeded')
  expect((await ended(system, skipped.id)).state).toBe('skipped')
  expect((await ended(system, anyway.id)).state).toBe('succeeded')
})

test('a failed attempt is tried again, and every attempt keeps its log', async () => {
  const { id, job } = await run(['sh', '-c', 'echo try $RUNYARD_ATTEMPT; test $RUNYARD_ATTEMPT = 3'], {
    max_attempts: 5,
    retry: { backoff_seconds: 0.1 },
  })
  expect(job).toMatchObject({ state: 'succeeded', attempts_spent: 3 })
  const { attempts } = await system.api.calls.jobs.attempts({ id })
  expect(attempts.map((a) => a.state)).toEqual(['failed', 'failed', 'succeeded'])
})

test('secrets reach the job and appear nowhere else', async () => {
  const canary = `canary-${randomUUID()}`
  const { id, job } = await run(['sh', '-c', 'echo "<$TOKEN>"; printf %s "$TOKEN" | base64; test -n "$TOKEN"'], {
    secret_env: { TOKEN: canary },
  })
  expect(job.state).toBe('succeeded')
  const log = (await logOf(system, id)).toString()
  expect(log).toContain('***')
  const encoded = Buffer.from(canary).toString('base64').slice(0, 40)
  for (const text of [log, JSON.stringify(job)]) {
    expect(text).not.toContain(canary)
    expect(text).not.toContain(encoded)
  }
  expect(await filesWith(system.dataDir, canary)).toEqual([])
})

test(
  `${manyJobs} jobs submitted in one call all end once, with their logs`,
  async () => {
    const jobs = Array.from({ length: manyJobs }, (_, i) => ({ name: `many-${i}`, command: ['echo', `line ${i}`] }))
    const { ids } = (await system.api.calls.jobs.submitMany({ jobs } as never)) as { ids: string[] }
    expect(new Set(ids).size).toBe(manyJobs)
    await until(
      'all of them',
      async () => {
        const stats = await system.api.calls.jobs.stats()
        return stats.waiting + stats.running === 0
      },
      120_000 + manyJobs * 60,
    )
    for (const [i, id] of ids.entries()) {
      const job = await system.api.calls.jobs.get({ id })
      expect(job, id).toMatchObject({ state: 'succeeded', attempts_spent: 1, result: { exit_code: 0 } })
      expect((await logOf(system, id)).toString()).toBe(`line ${i}\n`)
    }
  },
  240_000 + manyJobs * 100,
)

/** Every file below `dir` that contains the text; the database's own files included. */
async function filesWith(dir: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const content = await readFile(path).catch(() => Buffer.alloc(0)) // PostgreSQL removes files as we look
    if (content.includes(text)) found.push(path)
  }
  return found
}

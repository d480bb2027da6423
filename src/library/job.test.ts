import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { noCgroups, noSandbox } from '../executors/testing/needs.ts'
import { startJob, type Job, type JobOptions } from './index.ts'

const started: Job[] = []
afterEach(async () => {
  for (const job of started.splice(0)) await job.close()
})
async function sh(script: string, options: JobOptions = {}): Promise<Job> {
  const job = await startJob('sh', '-c', script, options)
  started.push(job)
  return job
}
async function linesOf(job: Job, stream?: 'stdout' | 'stderr'): Promise<string[]> {
  const lines = []
  for await (const { text } of job.newLogReader({ stream })) lines.push(text)
  return lines
}

describe.skipIf(noSandbox)('a job', () => {
  test('runs, is waited for and read', async () => {
    const job = await sh('echo Hello World; echo oops >&2; exit 3', { name: 'greeting' })
    expect(job.id).toMatch(/^[0-9a-z]{12}$/)
    expect(job.name).toBe('greeting')
    expect(job.getStatus()).toBe('running')
    const outcome = await job.result
    expect(outcome).toMatchObject({ state: 'failed', status: 'failed', exitCode: 3, remainingProcesses: 0 })
    expect(outcome.message).toBe('exited with code 3')
    expect(job.getStatus()).toBe('failed')
    expect(await linesOf(job, 'stdout')).toEqual(['Hello World'])
    expect(await linesOf(job, 'stderr')).toEqual(['oops'])
    expect((await linesOf(job)).toSorted()).toEqual(['Hello World', 'oops'])
  })

  test('is alone: no network, none of our environment, its own id', async () => {
    process.env.LIBRARY_TEST_SECRET = 'of the parent'
    const job = await sh('env; ls /sys/class/net 2>/dev/null; echo "id $RUNYARD_JOB_ID $$"', { env: { MINE: 'yes' } })
    delete process.env.LIBRARY_TEST_SECRET
    const lines = await linesOf(job)
    expect(lines).toContain('MINE=yes')
    expect(lines.join()).not.toContain('of the parent')
    expect(lines.at(-1)).toMatch(new RegExp(`^id ${job.id} \\d$`))
  })

  test('that cannot be started has ended as failed, with the reason', async () => {
    const job = await startJob('no-such-program')
    started.push(job)
    expect(await job.wait()).toMatchObject({ status: 'failed', exitCode: null, errorClass: 'start' })
    expect((await job.wait()).message).toContain('command not found: no-such-program')
    expect(await linesOf(job)).toEqual([])
    await expect(startJob('true', { workingDir: '/no/such/dir' })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'workingDir /no/such/dir does not exist on this host',
      fields: [{ field: 'workingDir', message: 'workingDir /no/such/dir does not exist on this host' }],
    })
    await expect(startJob('true', { binds: [{ path: '/no/working_dir' }] })).rejects.toMatchObject({
      message: 'bind /no/working_dir does not exist on this host',
      fields: [{ field: 'binds' }],
    })
  })

  test('stops: politely, by force, and with its whole tree', async () => {
    const polite = await sh('trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.05; done')
    await polite.newLogReader().nextLine()
    expect(await polite.stop()).toMatchObject({ status: 'terminated', state: 'cancelled', remainingProcesses: 0 })
    expect(await linesOf(polite, 'stdout')).toEqual(['ready', 'bye'])
    expect(polite.getStatus()).toBe('terminated')
    const stubborn = await sh('trap "" TERM; (setsid sleep 961 &); echo ready; while :; do sleep 0.05; done')
    await stubborn.newLogReader().nextLine()
    expect(await stubborn.stop({ force: true })).toMatchObject({ signal: 'SIGKILL', remainingProcesses: 0 })
    expect(await stubborn.stop()).toMatchObject({ status: 'terminated' })
  })

  test('ends at its wall time', async () => {
    const job = await sh('sleep 60', { timeoutSeconds: 0.2, stopGraceSeconds: 0 })
    expect(await job.result).toMatchObject({ state: 'timed_out', message: 'timed out after 0.2 s' })
  })

  test('masks secrets and keeps no more output than it may', async () => {
    const job = await sh('echo "the word is $WORD"', { secretEnv: { WORD: 'correct-horse' } })
    expect((await linesOf(job)).join()).not.toContain('correct-horse')
    const loud = await sh('head -c 300000 /dev/zero', { limits: { outputBytes: 1000 } })
    const reader = loud.newLogReader()
    let kept = 0
    for await (const { bytes } of reader.chunks()) kept += bytes.length
    expect([kept, reader.discardedBytes]).toEqual([1000, 299_000])
  })

  test.skipIf(noCgroups)('is held to its limits', async () => {
    const job = await sh('head -c 200000000 /dev/zero | tail -c 100000000 | wc -c', {
      limits: { memoryBytes: 16 << 20, pids: 20, cpu: 0.5, diskBytes: 1 << 20 },
    })
    expect((await job.result).message).toBe('1 of its processes was killed for memory (limit 16 MiB)')
    expect((await job.usage()).memoryPeakBytes).toBeLessThanOrEqual(16 << 20)
    const disk = await sh('head -c 2000000 /dev/zero > /tmp/big', { limits: { diskBytes: 1 << 20 } })
    expect((await linesOf(disk, 'stderr')).join()).toContain('No space left')
  })

  test('ended by close takes its output with it', async () => {
    const job = await sh('echo there; sleep 60')
    const reader = job.newLogReader()
    expect(await reader.nextLine()).toMatchObject({ text: 'there' })
    await job.close()
    expect(job.getStatus()).toBe('terminated')
    await expect(job.newLogReader().nextLine()).rejects.toMatchObject({ code: 'failed_precondition' })
    {
      await using scoped = await startJob('true')
      expect((await scoped.result).status).toBe('completed')
    }
  })
})

describe.skipIf(noSandbox)('readers', () => {
  test('have the same lines, each at its own pace', async () => {
    const job = await sh('for i in $(seq 200); do echo line $i; [ $((i % 50)) = 0 ] && sleep 0.05; done')
    const first = job.newLogReader()
    expect(await first.nextLine()).toMatchObject({ text: 'line 1', stream: 'stdout', continues: false })
    const [fast, slow] = [linesOf(job), job.newLogReader()]
    await slow.nextLine()
    await job.result
    const expected = Array.from({ length: 200 }, (_, i) => `line ${i + 1}`)
    expect(await fast).toEqual(expected)
    for (let i = 1; i < 200; i++) expect((await slow.nextLine())?.text).toBe(expected[i])
    expect(await slow.nextLine()).toBeNull()
    expect(await linesOf(job)).toEqual(expected)
  })

  test('can look without waiting', async () => {
    const job = await sh('trap "echo two; exit" TERM; echo one; while :; do sleep 0.05; done')
    const reader = job.newLogReader({ stream: 'stdout' })
    expect((await reader.nextLine())?.text).toBe('one')
    expect(await reader.nextLineNow()).toBeUndefined()
    await job.stop()
    expect((await reader.nextLineNow())?.text).toBe('two')
    expect(await reader.nextLineNow()).toBeNull()
  })

  test('refuse a second call while one waits, and can be told not to wait any more', async () => {
    const job = await sh('sleep 60')
    const reader = job.newLogReader()
    const giveUp = new AbortController()
    const waiting = reader.nextLine({ signal: giveUp.signal })
    await expect(reader.nextLineNow()).rejects.toMatchObject({ code: 'failed_precondition' })
    giveUp.abort()
    await expect(waiting).rejects.toThrow('aborted')
    expect(await reader.nextLineNow()).toBeUndefined()
    expect(() => job.newLogReader({ stream: 'both' as never })).toThrow('stream: is stdout or stderr')
  })

  test('give bytes exactly as they came', async () => {
    const job = await sh(
      'i=0; while [ $i -lt 40 ]; do head -c 100003 /usr/bin/env; i=$((i+1)); done | tee /tmp/all; sha256sum < /tmp/all >&2',
    )
    const hash = createHash('sha256')
    for await (const { bytes } of job.newLogReader({ stream: 'stdout' }).chunks()) hash.update(bytes)
    expect(await linesOf(job, 'stderr')).toEqual([`${hash.digest('hex')}  -`])
    const reader = job.newLogReader()
    await reader.nextLine()
    await expect(reader.chunks().next()).rejects.toThrow('this reader gives lines')
  })

  test('get a line of 3 MiB in pieces of one', async () => {
    const job = await sh('head -c 3200000 /dev/zero | tr "\\0" x; echo; echo short')
    const lines = []
    for await (const { bytes, continues } of job.newLogReader()) lines.push([bytes.length, continues])
    const piece = 1024 * 1024
    expect(lines).toEqual([
      [piece, true],
      [piece, true],
      [piece, true],
      [3_200_000 - 3 * piece, false],
      [5, false],
    ])
  })
})

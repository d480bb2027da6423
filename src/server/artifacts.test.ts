/** Outputs and artefacts all the way: written in a real sandbox, killed runners between, read over REST and by the next job. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runningServer, type TestServer } from '../../test/running-server.ts'
import { until } from '../../test/until.ts'
import type { JobSpecInput } from '../job/spec.ts'
import { createSandboxedRig } from '../runner/sandboxed-rig.ts'
import { shownPrefix } from '../runner/shown-dirs.ts'

const rig = await createSandboxedRig('artifacts', 190_700)
const MiB = 1024 * 1024

describe.skipIf(rig.reason)(
  'what a job leaves',
  () => {
    let server: TestServer
    let runner: ChildProcess
    beforeAll(async () => {
      server = await runningServer({
        RUNYARD_ARTIFACT_BYTES: '26m',
        RUNYARD_ARTIFACT_FILES: '5',
        RUNYARD_ALLOW_ISOLATION_NONE: 'true',
      })
      runner = await startRunner()
    })
    afterAll(async () => {
      runner?.kill('SIGTERM')
      if (runner) await once(runner, 'exit')
      await server?.close()
      const left = [...readdirSync(rig.config.dataDir, { recursive: true }), ...readdirSync(tmpdir())].map(String)
      await rig.close()
      // Other runners of this host have directories of their own there.
      const ours = shownPrefix(join(rig.config.dataDir, 'runner', 'attempts'))
      expect(left.filter((name) => name.endsWith('.report') || name.startsWith(ours))).toEqual([])
    }, 30_000)

    async function startRunner(): Promise<ChildProcess> {
      const entry = new URL('../runner/runner-process.ts', import.meta.url).pathname
      const options = JSON.stringify({
        config: { ...rig.config, allowIsolationNone: true },
        socketPath: server.runnerSocket,
      })
      const child = spawn(process.execPath, [entry, options], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout!, 'data')
      return child
    }

    const submit = async (script: string, more: Partial<JobSpecInput> = {}): Promise<string> =>
      (await server.client.calls.jobs.submit({ command: ['bash', '-c', script], ...more })).id
    const ended = async (id: string) => {
      const get = () => server.client.calls.jobs.get({ id })
      await until(async () => (await get()).result !== null)
      return get()
    }
    const run = async (script: string, more?: Partial<JobSpecInput>) => ended(await submit(script, more))
    const list = async (id: string) => (await server.client.calls.jobs.artifacts({ id })).artifacts
    const bytesOf = async (path: string, init?: RequestInit) => {
      const response = await server.fetch(path, init)
      return { response, bytes: Buffer.from(await response.arrayBuffer()) }
    }
    const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

    let big: string
    let sum: string
    test('24 MiB arrive byte for byte, also of a job that failed', async () => {
      const script =
        'mkdir -p out/é; head -c 24m /dev/urandom >out/big.bin; echo small >out/é/a.txt; sha256sum out/big.bin >sum; exit 3'
      const job = await run(script, { artifacts: ['out', 'sum'] })
      expect([job.state, job.result?.message]).toEqual(['failed', expect.not.stringContaining('artefact')])
      big = job.id
      const left = await list(big)
      expect(left.map(({ name, bytes, attempt }) => [name, bytes, attempt])).toEqual([
        ['out/big.bin', 24 * MiB, 1],
        ['out/é/a.txt', 6, 1],
        ['sum', expect.any(Number), 1],
      ])
      const { bytes, response } = await bytesOf(`/jobs/${big}/artifacts/out/big.bin`)
      sum = sha256(bytes)
      expect([bytes.length, sum]).toEqual([24 * MiB, left[0]!.sha256])
      expect((await bytesOf(`/jobs/${big}/artifacts/sum`)).bytes.toString()).toBe(`${sum}  out/big.bin\n`)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': 'attachment; filename="big.bin"',
        'content-security-policy': expect.stringContaining('sandbox'),
        'x-content-type-options': 'nosniff',
        etag: `"${sum}"`,
      })
      const part = await bytesOf(`/jobs/${big}/artifacts/out/big.bin`, { headers: { range: 'bytes=8388600-8388619' } })
      expect([part.response.status, part.bytes.equals(bytes.subarray(8388600, 8388620))]).toEqual([206, true])
    })

    test.each(['full', 'none'] as const)('the next job reads them, isolation %s', async (isolation) => {
      const script =
        'cd "$RUNYARD_ARTIFACTS/build" && sha256sum <out/big.bin && cat out/é/a.txt; touch x 2>&1 | grep -o Read-only'
      const job = await run(script, { isolation, artifacts_from: { build: [big] } })
      const log = (await bytesOf(`/jobs/${job.id}/logs?stream=stdout`)).bytes.toString()
      expect(log).toBe(`${sum}  -\nsmall\n${isolation === 'full' ? 'Read-only\n' : ''}`)
    })

    test('nobody reads what is not theirs, or not there yet', async () => {
      const other = await server.person('operator')
      const refused = other.client.calls.jobs.submit({ command: ['true'], artifacts_from: { a: [big] } })
      await expect(refused).rejects.toThrow(/artifacts_from\.a\[0\]: there is no job/)
      expect((await server.fetch(`/jobs/${big}/artifacts/sum`, { token: other.token })).status).toBe(404)
      for (const path of ['..%2f..%2fetc%2fpasswd', 'a%00b', '%2fetc/passwd', 'out//big.bin', 'nothing']) {
        expect([path, (await server.fetch(`/jobs/${big}/artifacts/${path}`)).status]).toEqual([path, 404])
      }
      const waiting = await submit('true', { delay_seconds: 1000 })
      const early = await run('true', { artifacts_from: { a: [waiting] } })
      expect(early.result).toMatchObject({
        error_class: 'start',
        message: expect.stringContaining('name it in depends_on'),
      })
      await server.client.calls.jobs.cancel({ id: waiting })
    })

    test('links, pipes and what is too much are left out, and the job says so', async () => {
      const script = `mkdir out; ln -s /etc/passwd out/link; mkfifo out/pipe; ln -s / root; head -c 27m /dev/zero >out/large
      printf x >"out/bad"$'\\n'; for n in 1 2 3 4 5 6; do echo $n >out/n$n; done`
      const job = await run(script, { artifacts: ['out', 'root/etc/hostname', 'no/thing'] })
      expect((await list(job.id)).map(({ name }) => name).filter((name) => !/^out\/n\d$/.test(name))).toEqual([])
      expect((await list(job.id)).length).toBeLessThanOrEqual(5)
      const { message } = job.result!
      expect(job.state).toBe('succeeded')
      for (const words of [
        'out/link was left out: it is a link',
        'out/pipe was left out: it is not a file',
        'more than there is room for',
        'its name has a control',
        'no artefact at no/thing',
      ]) {
        expect(message).toContain(words)
      }
    })

    test('outputs: what is well-formed is kept, a secret is not, and nothing that is only printed (row Y7)', async () => {
      const script = `echo "version=1.2=3" >>"$RUNYARD_OUTPUT"; printf 'notes<<EOF\\na\\n\\nb\\nEOF\\nnonsense\\ntoken=x%s\\n' "$KEY" >>"$RUNYARD_OUTPUT"
      echo '::set-output name=x::y'; echo evil=1 | tee /dev/stderr; echo '{"outputs":{"x":"y"}}'; exit 4`
      for (const isolation of ['full', 'none'] as const) {
        const job = await run(script, { outputs: true, isolation, secret_env: { KEY: 'correct-horse' } })
        expect(job.outputs).toEqual({ version: '1.2=3', notes: 'a\n\nb' })
        expect(job.result).toMatchObject({
          exit_code: 4,
          message: expect.stringMatching(/nonsense.*output token has a secret/s),
        })
      }
      expect((await run('test -z "$RUNYARD_OUTPUT"')).state).toBe('succeeded')
    })

    test('a runner that is killed in the middle: its successor brings all of it', async () => {
      const id = await submit('echo begun; sleep 0.7; head -c 20m /dev/urandom >a; echo v=1 >$RUNYARD_OUTPUT', {
        ...{ artifacts: ['a'], outputs: true },
      })
      await until(async () => (await bytesOf(`/jobs/${id}/logs`)).bytes.toString() === 'begun\n')
      // Nobody takes the first upload any more.
      runner.kill('SIGKILL')
      await once(runner, 'exit')
      runner = await startRunner()
      const job = await ended(id)
      expect([job.state, job.outputs]).toEqual(['succeeded', { v: '1' }])
      expect((await list(id)).map(({ name, bytes }) => [name, bytes])).toEqual([['a', 20 * MiB]])
    })

    test('with the job its files go', async () => {
      const blobs = () => readdirSync(join(server.config.dataDir, 'blobs'), { recursive: true, withFileTypes: true })
      const files = () => blobs().filter((entry) => entry.isFile()).length
      const before = files()
      await server.client.calls.jobs.delete({ id: big })
      await until(() => files() === before - 3, 'they are gone', 12_000)
    })
  },
  60_000,
)

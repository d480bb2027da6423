/** A runner process that is killed (SIGKILL), its jobs under the real launcher and sandbox, and the process after it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { createFakeControlPlane, outputOf } from './fake-control-plane.ts'
import { serveFake, type FakeServer } from './fake-server.ts'
import { createSandboxedRig } from './sandboxed-rig.ts'

const plane = createFakeControlPlane({ heartbeatMs: 500, leaseMs: 30_000, graceMs: 30_000 })
const rig = await createSandboxedRig('killed', 190_600)
const { reason, config, socketPath } = rig

let served: FakeServer
const processes: ChildProcess[] = []
beforeAll(async () => {
  if (reason === undefined) served = await serveFake(plane, socketPath)
})
afterAll(async () => {
  for (const child of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await served?.close()
  await rig.close()
}, 30_000)

/** Resolves when it has registered. */
async function startRunner(): Promise<ChildProcess> {
  const entry = new URL('./runner-process.ts', import.meta.url).pathname
  const options = JSON.stringify({ config, socketPath })
  const child = spawn(process.execPath, [entry, options], { stdio: ['ignore', 'pipe', 'inherit'] })
  processes.push(child)
  await once(child.stdout!, 'data')
  return child
}

const lines = (n: number) => Array.from({ length: n }, (_, i) => `line ${i + 1}\n`).join('')
const job = (script: string, more: object = {}) => plane.submit({ command: ['bash', '-c', script], ...more })

test.skipIf(reason)(
  'no byte, no exit code, no timeout and no mask is lost with it',
  async () => {
    const first = await startRunner()
    const secret = { secret_env: { TOKEN: 'correct-horse' } }
    // It goes on over the kill and ends under the second process.
    const long = job('for i in $(seq 40); do echo line $i; sleep 0.1; done; echo $TOKEN >&2; exit 7', secret)
    // These two end while no runner is there.
    const report = `<testsuite name='s'><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite>`
    const short = job(`echo begun; sleep 1; echo "${report}" >r.xml; echo done; exit 3`, { junit: ['r.xml'] })
    const slow = plane.submit({ command: ['sleep', '60'] }, { timeoutSeconds: 1.2 })
    await eventually(() => outputOf(long).toString()).toContain('line 3\n')
    await eventually(() => [outputOf(short).toString(), slow.state]).toEqual(['begun\n', 'running'])
    first.kill('SIGKILL')
    await once(first, 'exit')
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect([long.state, short.state, slow.state]).toEqual(['running', 'running', 'running'])
    await startRunner()
    for (const attempt of [long, short, slow]) await plane.ended(attempt)
    expect(long.outcome).toMatchObject({ state: 'failed', exit_code: 7, remaining_processes: 0 })
    expect(outputOf(long).toString()).toBe(lines(40))
    expect(outputOf(long, 'stderr').toString()).toBe('***\n')
    expect(short.outcome).toMatchObject({ state: 'failed', exit_code: 3 })
    expect(outputOf(short).toString()).toBe('begun\ndone\n')
    expect(short.tests).toMatchObject({ total: 2, passed: 1, failed: 1, cases: [{ name: 'b' }, { name: 'a' }] })
    expect(slow.outcome).toMatchObject({ state: 'timed_out', remaining_processes: 0 })
  },
  60_000,
)

const script = `
call() { curl -sS --unix-socket $RUNYARD_SOCKET -H "Authorization: Bearer $RUNYARD_TOKEN" "$@"; }
for i in $(seq 12); do
  until call -f -X POST http://runyard/v1/variables/n/increment -H "Idempotency-Key: $i" -d '{}' 2>/dev/null; do sleep 0.1; done
  sleep 0.05
done
printf 'with %s' "$TOKEN" | call -X PUT -T - http://runyard/v1/output`

test.skipIf(reason)(
  'a script goes on asking by the same socket, once each, and its secrets stay masked',
  async () => {
    const running = processes.at(-1)!
    const event = { run_id: 'run1', name: 'Event', kind: 'bash' as const }
    const more = { script: { kind: 'bash' as const, text: script }, more: { event } }
    const attempt = plane.submit({ command: ['script'], secret_env: { TOKEN: 'correct-horse' } }, more)
    await eventually(() => attempt.helpers.variables.get('n')).toBeGreaterThan(2)
    running.kill('SIGKILL')
    await once(running, 'exit')
    expect(attempt.helpers.variables.get('n')).toBeLessThan(12)
    await startRunner()
    await plane.ended(attempt)
    expect([attempt.outcome?.state, attempt.helpers.variables.get('n')]).toEqual(['succeeded', 12])
    expect(attempt.helpers.output).toMatchObject({ bytes: Buffer.from('with ***') })
  },
  60_000,
)

test.skipIf(reason)(
  'a job that was given away meanwhile is dead after the next process came',
  async () => {
    const running = processes.at(-1)!
    const attempt = job('while true; do echo alive; sleep 0.05; done')
    await eventually(() => attempt.state).toBe('running')
    running.kill('SIGKILL')
    await once(running, 'exit')
    plane.giveAway(attempt)
    const size = attempt.size
    const next = await startRunner()
    // It can be told to stop at once: nothing is left that it would have to wait for.
    next.kill('SIGTERM')
    await once(next, 'exit')
    expect(next.exitCode).toBe(0)
    expect([attempt.size, attempt.outcome]).toEqual([size, undefined])
  },
  60_000,
)

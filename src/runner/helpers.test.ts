/** Scripts with helpers in the real sandbox, without network, against a control plane in memory. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ScriptKind } from '../job/event.ts'
import { eventually } from './eventually.ts'
import { createFakeControlPlane, outputOf, type FakeAttempt, type SubmitOptions } from './fake-control-plane.ts'
import { serveFake, type FakeServer } from './fake-server.ts'
import { runRunner } from './main.ts'
import { createSandboxedRig } from './sandboxed-rig.ts'
import { shownPrefix } from './shown-dirs.ts'

const plane = createFakeControlPlane({ heartbeatMs: 500, leaseMs: 30_000, graceMs: 30_000 })
const rig = await createSandboxedRig('helpers', 191_300)
const { reason, config, socketPath } = rig
config.allowIsolationNone = true

let served: FakeServer
let stop = () => {}
let over: Promise<number>

beforeAll(async () => {
  if (reason !== undefined) return
  served = await serveFake(plane, socketPath)
  await new Promise<void>((resolve, reject) => {
    const options = { version: '0', onReady: resolve, onStop: (listener: () => void) => void (stop = listener) }
    over = runRunner(config, { socketPath, ...options })
    over.catch(reject)
  })
}, 30_000)

afterAll(async () => {
  if (reason === undefined) {
    stop()
    stop()
    await over
    await served.close()
  }
  await rig.close()
}, 30_000)

const run = (
  kind: ScriptKind,
  text: string,
  options: SubmitOptions & { secret?: string } = {},
): Promise<FakeAttempt> => {
  const event = { run_id: 'run1', name: 'Event', kind }
  const secret_env: Record<string, string> = options.secret === undefined ? {} : { SECRET: options.secret }
  return plane.ended(
    plane.submit(
      { command: ['script'], secret_env },
      { ...options, script: { kind, text }, more: { event, ...options.more } },
    ),
  )
}

/** `api PATH [curl's options]`; `code` gives the status alone. */
const curl = `
api() { p=$1; shift; curl -sS --unix-socket "$RUNYARD_SOCKET" -H "Authorization: Bearer $RUNYARD_TOKEN" "$@" "http://runyard$p"; }
code() { p=$1; shift; curl -s -o /dev/null -w '%{http_code}\\n' --unix-socket "$RUNYARD_SOCKET" "$@" "http://runyard$p"; }
`
const bash = (text: string, options?: Parameters<typeof run>[2]): Promise<FakeAttempt> =>
  run('bash', `set -e\n${curl}${text}`, options)
const json = (value: unknown) => ({ type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) })

test.skipIf(reason)('all calls of a script without network, and what it may not', async () => {
  const attempt = await bash(
    `
api /v1/input; echo; cat "$RUNYARD_DIR/input"; echo
api /v1/event
api /v1/variables/color -X PUT -d '{"value": {"a": "ü"}}'
api /v1/variables/color
api /v1/variables/color -H 'Accept: text/plain'; echo
api /v1/variables/n/increment -X POST -d '{"by": 5}'
api /v1/variables/n/increment -X POST -H 'Accept: text/plain'; echo
api /executions/x/variables/none
code /v1/variables/none -H "Authorization: Bearer $RUNYARD_TOKEN" -H 'Accept: text/plain'
api /v1/condition -X POST -d '{"value": true}'
api /v1/progress -X POST -d '{"percent": 40, "text": "half of hunter2hunter2"}'
api /v1/messages -X POST -d '{"channel": "team"}'
printf 'key is %s.' "$SECRET" | api /v1/output -X PUT -T -
api /v1/variables/big -X PUT -d '{"value": 9007199254740993}'
code /v1/event
code /v1/event -H 'Authorization: Bearer ryh_wrong'
code /v1/nothing -H "Authorization: Bearer $RUNYARD_TOKEN"
head -c 1100000 /dev/zero | code /v1/condition -X POST -H "Authorization: Bearer $RUNYARD_TOKEN" --data-binary @-
touch "$RUNYARD_DIR/new" 2>&1 || echo read-only
`,
    { input: json({ n: 1 }), secret: 'hunter2hunter2' },
  )
  const { helpers } = attempt
  expect([outputOf(attempt, 'stderr').toString(), attempt.outcome?.state]).toEqual(['', 'succeeded'])
  expect(outputOf(attempt).toString().split('\n')).toEqual([
    ...['{"n":1}', '{"n":1}'],
    '{"id":"event","name":"Event","run_id":"run","input":{"type":"application/json","bytes":7}}',
    ...['{"version":1}', '{"exists":true,"value":{"a":"ü"}}', '{"a":"ü"}', '{"value":5}', '6', '{"exists":false}'],
    ...['404', '{}', '{}', '{"delivery_id":"delivery"}'],
    expect.stringMatching(/^\{"error":\{"code":"invalid_argument","message":".*give it as text"\}\}$/),
    ...['401', '401', '404', '413', expect.stringMatching(/Read-only|read-only/)],
    ...['read-only', ''],
  ])
  expect(helpers).toMatchObject({ condition: true, progress: { percent: 40, text: 'half of ***' } })
  expect(helpers.messages).toEqual([{ channel: 'team', input: {} }])
  expect(helpers.output).toEqual({ type: 'text/plain; charset=utf-8', bytes: Buffer.from('key is ***.') })
  expect(helpers.calls.filter(({ key }) => key !== undefined).map(({ method }) => method)).toEqual([
    ...['variable.increment', 'variable.increment', 'message.send'],
  ])
})

test.skipIf(reason)('what is large goes by way of a file, both ways, and back from its middle', async () => {
  const size = 8 * 2 ** 20
  const before = process.memoryUsage().rss
  const attempt = await bash(
    `
test ! -e "$RUNYARD_DIR/input"
api /v1/input | sha256sum
api /v1/input -H 'Range: bytes=${size - 5}-' -i | tr -d '\\r' | sed -n '1p;$p'
api /v1/input | tr x y | api /v1/output -X PUT -T - -H 'Content-Type: text/x-ys'
`,
    { input: { type: 'text/x-xs', size } },
  )
  expect(attempt.outcome?.state).toBe('succeeded')
  const sum = createHash('sha256').update(Buffer.alloc(size, 'x')).digest('hex')
  expect(outputOf(attempt).toString()).toBe(`${sum}  -\nHTTP/1.1 206 Partial Content\nxxxxx`)
  expect(attempt.helpers.output).toEqual({ type: 'text/x-ys', artifact: 'runyard-output' })
  expect(attempt.artifacts.get('runyard-output')?.equals(Buffer.alloc(size, 'y'))).toBe(true)
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20)
  expect(await readdir(join(config.dataDir, 'runner', 'outputs'))).toEqual([])
})

/** As Cronium's own documentation writes them, with what they speak of before them. */
const cronium: Record<ScriptKind, string> = {
  node: `const resultData = { from: process.argv[1], node: require('child_process').execSync('$RUNYARD_DIR/bin/node -p 6*7') + '' };
const cronium = require("cronium");

// Data flow
const inputData = await cronium.input(); // Get data from previous event
await cronium.output(resultData); // Pass data to next event

// Variables
const value = await cronium.getVariable("key");
await cronium.setVariable("key", "value");

// Conditions
await cronium.setCondition(true); // Trigger ON_CONDITION actions

// Metadata
const eventInfo = await cronium.event(); // Get current event details
console.log(JSON.stringify([inputData, value, eventInfo.name]))`,
  python: `import sys, json
result_data = {"from": sys.argv[0]}
import cronium

# Data flow
input_data = cronium.input()
cronium.output(result_data)

# Variables
value = cronium.getVariable('key')
cronium.setVariable('key', 'value')

# Conditions
cronium.setCondition(True)

# Metadata
event_info = cronium.event()
print(json.dumps([input_data, value, event_info["name"]], separators=(",", ":")))`,
  bash: `result_data='{"from":"'$0'"}'
# Source the runtime helper
source cronium.sh

# Data flow
input_data=$(cronium_input)
cronium_output "$result_data"

# Variables
value=$(cronium_getVariable "key")
cronium_setVariable "key" "value"

# Conditions
cronium_setCondition true

# Metadata
event_info=$(cronium_event)
echo "[$input_data,\${value:-null},$(grep -o '"Event"' <<<"$event_info")]"`,
}

test.skipIf(reason)('Cronium’s own scripts as they are, in three languages; and one without isolation', async () => {
  const input = json({ n: 1 })
  const files = { bash: 'sh', python: 'py', node: 'cjs' }
  const runs = (['bash', 'python', 'node'] as const).map(async (kind) => {
    const attempt = await run(kind, cronium[kind], { input })
    const { output, condition, variables } = attempt.helpers
    expect([kind, outputOf(attempt, 'stderr').toString(), outputOf(attempt).toString()]).toEqual([
      ...[kind, '', '[{"n":1},null,"Event"]\n'],
    ])
    expect([condition, variables]).toEqual([true, new Map([['key', 'value']])])
    expect(output?.type).toBe('application/json')
    const bytes = output && 'bytes' in output ? output.bytes.toString() : ''
    const node = kind === 'node' ? { node: '42\n' } : {}
    expect(JSON.parse(bytes)).toEqual({ from: `/runyard/script.${files[kind]}`, ...node })
  })
  const event = { run_id: 'run1', name: 'Event', kind: 'bash' as const }
  const text = `${curl}api /v1/input; test -f "$RUNYARD_DIR/script.sh" && test ! -e /runyard`
  const options = { script: { kind: 'bash' as const, text }, more: { event }, input: json('plain') }
  const [plain] = await Promise.all([
    plane.ended(plane.submit({ command: ['script'], isolation: 'none' }, options)),
    ...runs,
  ])
  expect([outputOf(plain).toString(), plain.outcome?.state]).toEqual(['"plain"', 'succeeded'])
})

test.skipIf(reason)('a token is worth nothing elsewhere, nor after the end; nothing of it stays', async () => {
  // The helpers of all languages, which its attempts share.
  await eventually(shown).toHaveLength(1)
  const before = await shown()
  const first = plane.submit(
    { command: ['script'] },
    {
      script: { kind: 'bash', text: `${curl}api /v1/variables/token -X PUT -d '{"value": 1}'; sleep 60` },
      more: { event: { run_id: 'run1', name: 'Event', kind: 'bash' } },
    },
  )
  await eventually(() => first.helpers.variables.get('token')).toBe(1)
  const outer = (await shown()).find((dir) => dir !== before[0])
  const socket = join(outer!, (await readdir(outer!))[0]!, 'socket')
  expect(await statusAt(socket, 'ryh_of_somebody_else')).toBe(401)
  plane.cancel(first, { force: true })
  await plane.ended(first)
  expect(await statusAt(socket, 'ryh_of_somebody_else')).toBe('ENOENT')
  await eventually(shown).toEqual(before)
})

test.skipIf(reason)('one that waits for its input is cancelled at once', async () => {
  const event = { run_id: 'run1', name: 'Event', kind: 'bash' as const }
  const options = { script: { kind: 'bash' as const, text: 'true' }, more: { event }, input: json(1) }
  const attempt = plane.submit({ command: ['script'] }, options)
  let asked = 0
  attempt.helpers.openInput = () => ({ type: 'a/b', size: ++asked, body: never() })
  await eventually(() => asked).toBe(1)
  plane.cancel(attempt)
  expect((await plane.ended(attempt)).outcome).toEqual({ state: 'cancelled', message: 'cancelled before it started' })
})

test.skipIf(reason)('each budget is its own', async () => {
  const slow = plane.submit(
    { command: ['script'] },
    {
      script: { kind: 'bash', text: 'true' },
      more: { event: { run_id: 'run1', name: 'Event', kind: 'bash' }, setup_seconds: 1 },
      input: { type: 'a/b', bytes: Buffer.from('x') },
    },
  )
  slow.helpers.openInput = () => ({ type: 'a/b', size: 1, body: never() })
  const long = run('bash', 'sleep 60', { timeoutSeconds: 1.2, more: { setup_seconds: 100, cleanup_seconds: 60 } })
  const files = run('bash', stopsReader, {
    more: { setup_seconds: 100, cleanup_seconds: 1, artifacts: ['big'], limits: { disk_bytes: 64 * 2 ** 20 } },
  })
  const [{ outcome: setUp }, { outcome: ran }, { outcome: cleaned }] = await Promise.all([
    plane.ended(slow),
    long,
    files,
  ])
  expect([cleaned?.state, cleaned?.exit_code]).toEqual(['timed_out', 0])
  expect(cleaned?.message).toMatch(
    /^its clean-up took longer than 1 s \(cleanup_seconds\); its artefacts were not read/,
  )
  expect(setUp).toMatchObject({ state: 'timed_out', error_class: 'timeout' })
  expect(setUp?.message).toBe('its set-up took longer than 1 s (setup_seconds); the command was not begun')
  expect(ran).toMatchObject({ state: 'timed_out', message: 'its command ran for longer than 1.2 s' })
})

/** Whoever reads the files of this job is stopped, and does not go on. */
const stopsReader = `head -c 40000000 /dev/zero > big
(while :; do for p in /proc/[0-9]*; do
  read -r -d '' line 2>/dev/null <$p/cmdline
  [[ $line == 'runyard: reading'* ]] && kill -STOP \${p#/proc/}
done; done) >/dev/null 2>&1 &
true`

async function* never(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {})
  yield Buffer.alloc(0)
}

const shown = async (): Promise<string[]> => {
  const attempts = join(config.dataDir, 'runner', 'attempts')
  return (await readdir(tmpdir()))
    .filter((name) => name.startsWith(shownPrefix(attempts)))
    .map((name) => join(tmpdir(), name))
}

const statusAt = (socketPath: string, token: string): Promise<number | string | undefined> =>
  new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` }
    get({ socketPath, path: '/v1/event', headers }, (answer) => resolve(answer.resume().statusCode)).on(
      'error',
      (error: NodeJS.ErrnoException) => resolve(error.code),
    )
  })

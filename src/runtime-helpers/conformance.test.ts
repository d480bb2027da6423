/** PROTOCOL.md, one table of cases through the client of every language. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFakeRunner, retryAfter, type FakeRunner } from './testing/fake-runner.ts'
import {
  isThere,
  languages,
  otherWays,
  scriptEnv,
  startDriver,
  type Driver,
  type Language,
} from './testing/languages.ts'

const hard = 'Ünï "quoted" \\ 日本 🚀\nline\ttab & $HOME `x`'
const bytesLike = (size: number): Buffer => Buffer.concat([Buffer.from([0, 255, 0, 13, 10]), randomBytes(size)])

const values: [name: string, value: unknown][] = [
  ['text', hard],
  ['empty', ''],
  ['zero', 0],
  ['no', false],
  ['nothing', null],
  ['fraction', -1.5],
  ['safe', Number.MAX_SAFE_INTEGER],
  ['bigAsText', '123456789012345678901234567890'],
  ['list', [1, 'a', null, { b: [] }]],
  ['a.b-c_d', { 'k é': { deep: true } }],
]

interface Bench {
  missing: boolean
  runner: FakeRunner
  /** Of its own, with the socket. */
  dir: string
  start(env?: Record<string, string>): Driver
  ask(...words: string[]): Promise<string>
}

/** One driver for all cases of a language. */
function benchOf(language: Language): Bench {
  const missing = !isThere(language.needs)
  if (missing) console.log(`skipped: the helpers of ${language.name}, for want of ${language.needs}`)
  let driver: Driver
  const dir = join(tmpdir(), `ry-${randomBytes(6).toString('hex')}`)
  const runner = createFakeRunner(join(dir, 'socket'))
  const bench: Bench = {
    missing,
    runner,
    dir,
    start: (env = {}) => startDriver(language.argv(dir), { ...scriptEnv(dir, runner.token), ...language.env, ...env }),
    ask: (...words) => driver.ask(...(words as [string])),
  }
  beforeAll(async () => {
    if (missing) return
    mkdirSync(dir)
    await runner.listen()
    driver = bench.start()
  })
  afterAll(async () => {
    await driver?.end()
    await runner.close()
    rmSync(dir, { recursive: true, force: true })
  })
  return bench
}

describe.concurrent.each(languages)('$name', (language) => {
  const { missing, runner, dir, start, ask } = benchOf(language)
  const gives = (value: unknown): string => toldAs(language, value)
  const binary = bytesLike(language.shell ? 256 * 1024 : 1024 ** 2)

  test.skipIf(missing)('variables come back as they went', { concurrent: false }, async () => {
    for (const [name, value] of values) {
      await ask('set', name, JSON.stringify(value))
      expect([name, runner.variables.get(name)]).toEqual([name, value])
      expect(await readBack(language, ask, name)).toEqual(language.shell ? gives(value) : value)
    }
    const sums = [await ask('increment', 'n', '2'), await ask('increment', 'n', '-0.5')]
    expect(sums).toEqual(['2', '1.5'])
    expect(await ask('append', 'log', JSON.stringify(hard))).toEqual(gives(hard))
    expect(runner.variables.get('log')).toBe(hard)
    expect(await ask('exists', 'log')).toBe('true')
    expect(await ask('delete', 'log')).toBe('true')
    expect(await ask('delete', 'log')).toBe('false')
    expect(await ask('exists', 'log')).toBe('false')
    expect(await ask('get', 'log')).toBe(language.shell ? '' : 'null')
    runner.scope = undefined
    expect([await ask('scoped', 'log'), runner.scope]).toEqual(['true', 'global'])
    const names = [...runner.variables.keys()]
    expect((await ask('names')).trim()).toBe(language.shell ? names.join() : JSON.stringify(names))
    await expect(ask('set', 'n', '9007199254740993')).rejects.toThrow('give it as text')
  })

  test.skipIf(missing)('condition, event, progress and message', { concurrent: false }, async () => {
    await ask('condition', 'true')
    expect(runner.condition).toBe(true)
    await ask('condition', 'false')
    expect(runner.condition).toBe(false)
    // Go has a type for it.
    if (language.name !== 'go') {
      await expect(ask('condition', language.shell ? 'no' : '"false"')).rejects.toThrow(
        /value: a condition is true or false/i,
      )
    }
    expect(runner.condition).toBe(false)
    runner.requests = 0
    await expect(ask('unnamed')).rejects.toThrow('name: must be a text that is not empty')
    await expect(ask('nan')).rejects.toThrow(language.shell ? 'by: must be a number, not NaN' : /value: /)
    expect(runner.requests).toBe(0)
    if (language.shell) await expect(ask('progress', 'half', '""')).rejects.toThrow('percent: must be a number')
    if (language.shell) await expect(ask('no_json')).rejects.toThrow('value: is no JSON')
    expect(JSON.parse(await ask('event'))).toMatchObject({ name: 'Ünï "x"', attempt: 2 })
    await ask('progress', '42.5', JSON.stringify(hard))
    expect(runner.progress).toEqual({ percent: 42.5, text: hard })
    expect(await ask('send', 'ops', JSON.stringify(hard))).toBe(language.shell ? 'd1\n' : gives('d1'))
    expect(runner.messages).toEqual([expect.objectContaining({ channel: 'ops', input: { text: hard } })])
  })

  test.skipIf(missing)('inputs and outputs of every type', { concurrent: false }, async () => {
    runner.input = null
    expect(await ask('input')).toBe(language.shell ? '' : 'null')
    for (const value of [{ a: [1, 'é', null] }, null, false, 0, 'text']) {
      runner.input = { type: 'application/json; charset=utf-8', bytes: Buffer.from(JSON.stringify(value)) }
      await ask('echo')
      expect(JSON.parse(runner.output!.bytes.toString())).toEqual(value)
      expect(runner.output!.type).toBe(language.shell ? undefined : 'application/json')
    }
    runner.input = { type: 'text/plain; charset=utf-8', bytes: Buffer.from(hard) }
    expect(await ask('input')).toBe(gives(hard))
    runner.input = { type: 'image/png', bytes: binary }
    await ask('input_file', join(dir, 'in'))
    expect(readFileSync(join(dir, 'in')).equals(binary)).toBe(true)
    runner.output = null
    await ask('output_file', join(dir, 'in'))
    expect(runner.output).toMatchObject({ type: 'application/octet-stream', size: binary.length })
    expect(runner.output!.bytes.equals(binary)).toBe(true)
    runner.output = null
    await ask('pipe')
    expect(runner.output!.bytes.equals(binary)).toBe(true)
    writeFileSync(join(dir, 'empty'), '')
    await ask('output_file', join(dir, 'empty'))
    expect(runner.output).toMatchObject({ size: 0 })
    await expect(ask('output_file', join(dir, 'none'))).rejects.toThrow('none')
  })

  test.skipIf(missing)(
    'a runner in trouble: tried again, and nothing is done twice',
    { concurrent: false },
    async () => {
      runner.variables.set('n', 0)
      runner.troubles = ['cut', 'answer lost']
      expect(await ask('increment', 'n', '1')).toBe('1')
      runner.requests = 0
      runner.troubles = ['unavailable', 'cut']
      await ask('output_file', join(dir, 'in'))
      expect(runner.output!.bytes.equals(binary)).toBe(true)
      expect(runner.requests).toBe(3)
      await runner.close()
      const waiting = ask('get', 'n')
      await sleep(60)
      await runner.listen()
      expect(await waiting).toBe('1')
    },
  )

  test.skipIf(missing)('many at once, too fast, and refused', { concurrent: false }, async () => {
    runner.variables.set('n', 0)
    runner.troubles = ['slow down']
    const begun = performance.now()
    await ask('increment', 'n', '1')
    expect(performance.now() - begun).toBeGreaterThan(retryAfter * 1000 - 10)
    const times = language.shell ? 10 : 50
    await ask('increments', 'n', String(times))
    expect(runner.variables.get('n')).toBe(1 + times)
    const { token } = runner
    runner.token = 'of another attempt'
    await expect(ask('get', 'n')).rejects.toThrow('the token of this attempt is wanted')
    runner.token = token
    const outside = start({ RUNYARD_SOCKET: '' })
    await expect(outside.ask('event')).rejects.toThrow('run this')
    await outside.end()
    const nobody = start({ RUNYARD_SOCKET: join(dir, 'nobody'), RUNYARD_HELPER_PATIENCE_SECONDS: '0' })
    await expect(nobody.ask('event')).rejects.toThrow(/runner does not answer at .*nobody/)
    await nobody.end()
  })
})

// The rest is the same Bash.
describe.concurrent.each(otherWays)('$name', (language) => {
  const { missing, runner, dir, ask } = benchOf(language)

  test.skipIf(missing)('a variable, bytes, and what is tried again', { concurrent: false }, async () => {
    await ask('set', 'a', JSON.stringify(hard))
    expect(await ask('get', 'a')).toBe(hard)
    expect(await ask('get', 'b')).toBe('')
    const binary = bytesLike(64 * 1024)
    runner.input = { type: 'image/png', bytes: binary }
    await ask('pipe')
    expect(runner.output!.bytes.equals(binary)).toBe(true)
    writeFileSync(join(dir, 'in'), binary)
    runner.troubles = ['unavailable']
    runner.requests = 0
    await ask('output_file', join(dir, 'in'))
    expect([runner.requests, runner.output!.bytes.equals(binary)]).toEqual([2, true])
    await expect(ask('set', 'n', '9007199254740993')).rejects.toThrow('give it as text')
  })
})

const toldAs = ({ shell }: Language, value: unknown): string =>
  shell && typeof value === 'string' ? value : JSON.stringify(value)

async function readBack({ shell }: Language, ask: (...words: string[]) => Promise<string>, name: string) {
  const told = await ask('get', name)
  return shell ? told : (JSON.parse(told) as unknown)
}

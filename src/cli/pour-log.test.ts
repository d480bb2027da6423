import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

const url = JSON.stringify(new URL('./pour-log.ts', import.meta.url).href)

/** In a process of its own: what arrives at its two pipes is the question. */
async function poured(options: object, repeat = 1, delayMs = 0) {
  const code = `import { pourLog } from ${url}
    async function* events() {
      const of = { type: 'log', attempt: 1, time: 0 }
      for (let i = 0; i < ${repeat}; i += 1)
        yield { ...of, stream: 'stdout', offset: i * 7, bytes: Buffer.from('output\\n') }
      for (const bytes of [10, 4000])
        yield { ...of, stream: 'mark', offset: ${repeat} * 7, bytes: Buffer.from(JSON.stringify({ kind: 'truncated', bytes })) }
      yield { type: 'end', attempt: 1, state: 'succeeded' }
    }
    await pourLog(events(), ${JSON.stringify(options)})
    process.exit(0)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] })
  await sleep(delayMs)
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  await new Promise((resolve) => child.once('close', resolve))
  return { out, err }
}

test('marks are not the job’s bytes: off a terminal nothing is said of them, with -v the total once', async () => {
  expect(await poured({ json: false, verbose: false })).toEqual({ out: 'output\n', err: '' })
  expect(await poured({ json: false, verbose: true })).toEqual({
    out: 'output\n',
    err: 'runyard: output limit reached; 4000 bytes were discarded\n',
  })
})

test('as JSON marks are kept, and all lines arrive at a reader that comes late', async () => {
  const { out, err } = await poured({ json: true, verbose: false }, 3000, 700)
  const lines = out.trim().split('\n')
  expect(err).toBe('')
  expect(lines.length).toBe(3002)
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ type: 'mark', kind: 'truncated', bytes: 4000, attempt: 1 })
})

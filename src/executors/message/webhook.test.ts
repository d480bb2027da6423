/** The examples of docs/channels.md, run as they stand there, against what the executor really sends. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'
import { signature } from './webhook.ts'

const docs = readFileSync(new URL('../../../docs/channels.md', import.meta.url), 'utf8')
const example = (language: string): string => {
  const [, code] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(docs) ?? []
  if (code === undefined) throw new Error(`no example in ${language}`)
  return code
}

// The values of the specification's own test vectors, but for the time.
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const body = '{"test": 2432232314}'
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'

test('the signature is the one of the specification', () => {
  expect(signature(secret, id, 1614265330, body)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

const now = Math.floor(Date.now() / 1000)
const headers = (seconds: number, sign = signature(secret, id, seconds, body)) => ({
  ...{ 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': sign },
})
const cases: [string, object, string, boolean][] = [
  ['as sent', headers(now), body, true],
  ['one of several signatures', headers(now, `v1,AAAA ${signature(secret, id, now, body)}`), body, true],
  ['another body', headers(now), `${body} `, false],
  ['another id', { ...headers(now), 'webhook-id': 'other' }, body, false],
  ['too old', headers(now - 400), body, false],
  ['another secret', headers(now, signature('whsec_AAAA', id, now, body)), body, false],
]

test('the example in Node', async () => {
  const { isFromRunyard } = (await import(`data:text/javascript,${encodeURIComponent(example('js'))}`)) as {
    isFromRunyard: (secret: string, headers: object, body: string) => boolean
  }
  for (const [name, given, text, expected] of cases)
    expect([name, isFromRunyard(secret, given, text)]).toEqual([name, expected])
})

const python = spawnSync('python3', ['--version']).status === 0

test.skipIf(!python)('the example in Python', () => {
  const dir = scratchDir('hook')
  onTestFinished(() => removeScratch(dir))
  const file = join(dir, 'check.py')
  const asked = cases.map(([, given, text]) => [secret, given, text])
  writeFileSync(
    file,
    `${example('python')}\nimport json, sys\nprint(json.dumps([is_from_runyard(s, h, b.encode()) for s, h, b in json.load(sys.stdin)]))\n`,
  )
  const { stdout, stderr } = spawnSync('python3', [file], { input: JSON.stringify(asked), encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual(cases.map(([, , , expected]) => expected))
})

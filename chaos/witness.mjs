/**
 * What every job of a chaos run is: it prints bytes that can be foretold and writes into its own file what it does, so
 * that afterwards somebody knows it who is neither the product nor its user. `node witness.mjs DIR PLAN`, plain
 * JavaScript without imports of ours: it runs inside a sandbox, as another user.
 *
 * One line per act, appended in one write: WORD JOB ATTEMPT PID MS OUT ERR [MORE]
 */
import { spawn } from 'node:child_process'
import { openSync, readFileSync, writeSync } from 'node:fs'

const [dir, planText] = process.argv.slice(2)
const plan = JSON.parse(planText)
const attempt = process.env.RUNYARD_ATTEMPT
const job = process.env.RUNYARD_JOB_ID
process.umask(0)
const path = `${dir}/${plan.tag}`
// Attempts may run as different users: whoever is first makes it for all.
const file = openSync(path, 'a', 0o666)
const written = { stdout: 0, stderr: 0 }

const note = (word, more = '') => {
  const ms = Number(process.hrtime.bigint() / 1_000_000n)
  writeSync(file, `${word} ${job} ${attempt} ${process.pid} ${ms} ${written.stdout} ${written.stderr} ${more}\n`)
}
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The same numbers as chaos/bytes.ts. */
function generator(key) {
  let x = 0x811c9dc5
  for (const byte of Buffer.from(key)) x = Math.imul(x ^ byte, 0x01000193)
  x = x >>> 0 || 1
  let rest = Buffer.alloc(0)
  return (length) => {
    const fresh = Buffer.alloc(Math.ceil(Math.max(0, length - rest.length) / 4) * 4)
    for (let i = 0; i < fresh.length; i += 4) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      fresh.writeInt32LE(x | 0, i)
    }
    const all = Buffer.concat([rest, fresh])
    rest = all.subarray(length)
    return all.subarray(0, length)
  }
}
const next = {
  stdout: generator(`${plan.tag}/${attempt}/stdout`),
  stderr: generator(`${plan.tag}/${attempt}/stderr`),
}

/** All of it, however often the pipe is full; `written` counts what the kernel has taken. */
function print(stream, length) {
  const bytes = next[stream](length)
  for (let at = 0; at < length;) {
    try {
      const took = writeSync(stream === 'stdout' ? 1 : 2, bytes, at)
      at += took
      written[stream] += took
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
    }
  }
}

/** A talker: both streams in pieces of odd sizes. */
function talk() {
  const left = { stdout: plan.stdout ?? 0, stderr: plan.stderr ?? 0 }
  for (let turn = 0; left.stdout + left.stderr > 0; turn++) {
    for (const stream of ['stdout', 'stderr']) {
      const length = Math.min(left[stream], 1 + ((turn * 7919 + 4093) % (plan.piece ?? 30_000)))
      print(stream, length)
      left[stream] -= length
    }
    if (turn % 8 === 0) note('beat')
  }
}

/** Children that leave the session and would outlive a careless kill; each notes that it lives. */
function fork() {
  // fd 3 keeps the pipe open; what a shell has to say about signals is not output of ours.
  const quiet = 'exec 3>&2 2>/dev/null'
  const line = `${quiet}; while :; do echo "child ${job} ${attempt} $$ 0 0 0" >> '${path}'; sleep 0.2; done`
  for (let i = 0; i < plan.children; i++) {
    const options = { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }
    spawn('/bin/sh', ['-c', i % 2 === 0 ? line : `${quiet}; trap '' TERM; (${line}) & wait`], options).unref()
  }
}

/** As careless programs do. Each form by itself and in two writes, so that it is masked across the cut as well. */
function leak() {
  const secret = process.env.TOKEN
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].map((shift) => Buffer.concat([Buffer.alloc(shift, 'x'), bytes]).toString('base64'))
  const forms = [secret, JSON.stringify(secret), encodeURIComponent(secret), bytes.toString('hex'), ...base64]
  for (const form of forms) {
    writeSync(1, form.slice(0, 9))
    writeSync(1, `${form.slice(9)}\n`)
    writeSync(2, `${form}\n`)
  }
}

async function live() {
  const end = performance.now() + plan.ms
  while (performance.now() < end) {
    await sleep(Math.max(1, Math.min(60, end - performance.now())))
    if (plan.drip) print(Math.random() < 0.5 ? 'stdout' : 'stderr', plan.drip)
    note('beat')
  }
}

const started = readFileSync('/proc/self/stat', 'latin1')
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
note('start', `${started.slice(started.lastIndexOf(')') + 2).split(' ')[19]} ${boot}`)
if (plan.deaf) process.on('SIGTERM', () => note('term'))
if (plan.children) fork()
talk()
if (plan.leak) leak()
if (plan.ms) await live()
// A burst in the last moment: what is in the pipe when the process is gone belongs to the log as well.
if (plan.burst) print('stdout', plan.burst)
note('end', plan.hog ? 'hog' : (plan.signal ?? plan.code ?? 0))
if (plan.hog) {
  const kept = []
  for (;;) kept.push(Buffer.alloc(8 << 20, 1))
}
if (plan.signal) {
  process.kill(process.pid, plan.signal)
  await sleep(60_000)
}
process.exit(plan.code ?? 0)

/** The client of `starter.pl`. Null where it cannot run: no Perl, another architecture. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants as os } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createFrameReader, encodeFrame } from './frames.ts'
import { onPath } from './spawn-launcher.ts'
import type { Launch, Starter, StarterEvents } from './starter.ts'

/** Where a number has two names the first is the usual one: SIGABRT, not SIGIOT. */
const namesBySignal = new Map(
  Object.entries(os.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
)

/** Beside this file, in the source tree and in the packed package alike. */
const script = fileURLToPath(new URL('./starter.pl', import.meta.url))

export async function perlStarter(events: StarterEvents): Promise<Starter | null> {
  const perl = onPath('perl')
  if (perl === null || !['x64', 'arm64'].includes(process.arch) || !existsSync(script)) return null
  const child = spawn(perl, [script, process.arch], {
    cwd: '/',
    // Its words go to the launcher's log.
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '' },
  })
  let ready: (is: boolean) => void = () => {}
  const isReady = new Promise<boolean>((resolve) => (ready = resolve))
  let over = false
  const end = (): void => {
    ready(false)
    if (over) return
    over = true
    events.lost()
  }
  child.once('error', end)
  child.once('exit', end)
  child.stdin.on('error', () => {}) // `exit` follows
  child.stdout.on('error', () => {})
  child.stdout.on(
    'data',
    createFrameReader(([what, id = '', first = '', second = '']) => {
      if (what === 'ready') ready(true)
      else if (what === 'started') events.started(id, { pid: Number(first), startTime: second })
      else if (what === 'failed') events.failed(id, { errno: Number(first), what: second })
      else if (what === 'exited') events.exited(id, ...ofStatus(Number(first)))
    }),
  )
  if (!(await isReady)) {
    over = true
    return null
  }
  let waiting: Buffer[] = []
  /** What is said in one turn of the event loop leaves in one write. */
  const say = (fields: (string | Buffer)[]): void => {
    waiting.push(encodeFrame(fields))
    if (waiting.length > 1) return
    setImmediate(() => {
      child.stdin.write(waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting))
      waiting = []
    })
  }
  return {
    foreword: [],
    before: [],
    pid: child.pid ?? null,
    start: (launch) => say(fieldsOf(launch)),
    forget: (paths) => say(['forget', ...paths]),
    close() {
      over = true
      setImmediate(() => child.stdin.end())
    },
  }
}

/** As wait(2) gives it. */
function ofStatus(status: number): [code: number | null, signal: string | null] {
  const signal = status & 0x7f
  return signal === 0 ? [status >> 8, null] : [null, namesBySignal.get(signal) ?? `SIG${signal}`]
}

function fieldsOf(launch: Launch): (string | Buffer)[] {
  const { id, uid, gid, openFiles, cwd, program = '', cgroupProcs, fds, argv, env } = launch
  const fields: (string | Buffer)[] = ['run', id, uid === undefined ? '' : `${uid}`, `${gid ?? uid ?? ''}`]
  fields.push(`${openFiles}`, cwd, program, `${cgroupProcs.length}`, ...cgroupProcs, `${fds.length}`)
  for (const wanted of fds) {
    if ('data' in wanted) fields.push(`${wanted.fd}`, 'data', wanted.data)
    else fields.push(`${wanted.fd}`, wanted.open, wanted.path)
  }
  fields.push(`${argv.length}`, ...argv)
  for (const [name, value] of Object.entries(env)) fields.push(`${name}=${value}`)
  return fields
}

/** Runs a program to its end, and ends it when we are told to end or when it takes too long. */
import { spawn } from 'node:child_process'

export interface Ended {
  code: number
  /** Empty unless `capture`. */
  output: string
}

export interface RunOptions {
  capture?: boolean
  env?: Record<string, string>
  limitMs?: number
}

export const stop = { asked: false }
process.on('SIGINT', () => {
  // A terminal sends it to the children too; they end in order and we report what there is.
  stop.asked = true
})

/** npm passes a SIGTERM on to a shell that does not pass it on to us: its end is our sign. */
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
}, 500).unref()
process.on('SIGTERM', () => {
  stop.asked = true
})

export function run(command: string, args: string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: options.capture ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...options.env },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += String(bytes)))
    const end = (): void => void child.kill('SIGTERM')
    process.on('SIGTERM', end)
    const timer = options.limitMs
      ? setTimeout(() => {
          output += `\nended after ${Math.round(options.limitMs! / 1000)} s`
          child.kill('SIGTERM')
          setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
        }, options.limitMs)
      : undefined
    const over = (code: number, said = ''): void => {
      clearTimeout(timer)
      process.off('SIGTERM', end)
      resolve({ code, output: output + said })
    }
    child.once('error', (error) => over(127, error.message))
    child.once('close', (code) => over(code ?? 1))
  })
}

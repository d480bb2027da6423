/** The starter where there is no Perl: this process spawns, and a chain of programs does the rest. */
import { spawn } from 'node:child_process'
import { constants as os } from 'node:os'
import { startTimeOf } from '../processes.ts'
import { chainBefore, chainOf } from './chain.ts'
import { NotExact, openForChild } from './hand-over.ts'
import type { Launch, LaunchFailure, Starter, StarterEvents } from './starter.ts'

export function chainStarter(privateDir: string, events: StarterEvents): Starter {
  let closed = false
  const running = new Set<number>()
  const start = (launch: Launch): void => {
    const files = openForChild(launch.fds, privateDir)
    try {
      const chain = chainOf(launch)
      const child = spawn(chain.file, chain.args, {
        cwd: launch.cwd,
        env: launch.env,
        stdio: files.stdio,
        detached: true,
      })
      const { pid } = child
      if (pid === undefined) {
        child.once('error', (error: NodeJS.ErrnoException) => events.failed(launch.id, failureOf(error, launch)))
        return
      }
      running.add(pid)
      child.once('exit', (code, signal) => {
        running.delete(pid)
        if (!closed) events.exited(launch.id, code, signal)
      })
      events.started(launch.id, { pid, startTime: startTimeOf(pid) ?? '' })
    } finally {
      files.close()
    }
  }
  return {
    foreword: ['setpriv: ', 'sh: ', '/bin/sh: ', 'runyard-launch: '],
    before: chainBefore,
    pid: null,
    start(launch) {
      try {
        start(launch)
      } catch (error) {
        events.failed(launch.id, failureOf(error as NodeJS.ErrnoException, launch))
      }
    },
    forget() {},
    close() {
      closed = true
      for (const pid of running) process.kill(pid, 'SIGKILL')
    },
  }
}

function failureOf(error: NodeJS.ErrnoException, { cwd }: Launch): LaunchFailure {
  if (error instanceof NotExact) return { errno: 0, what: `open ${error.message}` }
  const errno = os.errno[error.code as keyof typeof os.errno] ?? 0
  if (error.syscall === 'open') return { errno, what: `open ${error.path}` }
  // A missing working directory looks like a missing shell.
  return error.code === 'ENOENT' || error.code === 'EACCES' ? { errno, what: `chdir ${cwd}` } : { errno, what: 'exec' }
}

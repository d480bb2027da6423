/** Starts a real, empty sandbox: versions and settings do not tell whether this host lets us. */
import { execFile } from 'node:child_process'
import { bwrapSupport } from './ground.ts'
import { fixFor } from './status.ts'
import { systemView, viewArgs } from './system-view.ts'

export interface Isolation {
  full: boolean
  reason?: string
}

export async function tryIsolation(uid: number): Promise<Isolation> {
  const support = await bwrapSupport()
  if (support === null) return { full: false, reason: 'bubblewrap is not installed (fix: runyard setup)' }
  const identity =
    process.getuid?.() === 0
      ? [
          'setpriv',
          `--reuid=${uid}`,
          `--regid=${uid}`,
          '--clear-groups',
          '--no-new-privs',
          '--bounding-set=-all',
          '--inh-caps=-all',
        ]
      : []
  const [file = '', ...args] = [
    ...identity,
    ...['bwrap', '--unshare-all', '--unshare-user', ...(support.disableUserns ? ['--disable-userns'] : [])],
    ...['--cap-drop', 'ALL', '--uid', '1000', '--gid', '1000', '--hostname', 'probe', ...viewArgs(systemView())],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--remount-ro', '/', '--', '/bin/sh', '-c', 'exit 0'],
  ]
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 10_000 }, (error, _stdout, stderr) => {
      if (!error) return resolve({ full: true })
      const words = stderr.trim() || error.message
      resolve({ full: false, reason: `${words.split('\n').at(-1)}${fixFor(words)}` })
    })
  })
}

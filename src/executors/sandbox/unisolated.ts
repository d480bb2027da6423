/** Isolation "none": the command as a plain process of this host, never as root, always without new privileges. */
import { randomBytes } from 'node:crypto'
import { chown, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LaunchFd } from '../launcher/launcher.ts'
import type { Pipes } from '../pipes.ts'
import { defaultEnv } from './isolation.ts'
import type { AllowedPath } from './policy.ts'

export interface Identity {
  uid: number
  gid: number
}

/** Its private directory stands in the temp directory: the runner's own directories are closed to the job's user. */
export const homePrefix = (tag: string): string => `runyard-${tag}-`

export async function makeHome(tag: string, key: string, identity: Identity | null): Promise<string> {
  const home = join(tmpdir(), `${homePrefix(tag)}${key}`)
  await mkdir(home, { mode: 0o700 })
  if (identity) await chown(home, identity.uid, identity.gid)
  return home
}

export const newMarker = (): string => `RUNYARD_MARK=${randomBytes(12).toString('hex')}`

export function plainLaunch(input: {
  command: string[]
  env: Record<string, string>
  home: string
  marker: string
  workingDir: AllowedPath | null
  pipes: Pipes
}): { argv: string[]; fds: LaunchFd[]; env: Record<string, string>; cwd: string } {
  const { USER: _user, LOGNAME: _name, ...general } = defaultEnv
  const cwd = input.workingDir?.real ?? input.home
  const [name = '', value = ''] = input.marker.split('=')
  return {
    argv: input.command,
    fds: [
      { fd: 0, path: '/dev/null', open: 'read' },
      { fd: 1, path: input.pipes.stdout, open: 'readwrite' },
      { fd: 2, path: input.pipes.stderr, open: 'readwrite' },
    ],
    env: { ...general, HOME: input.home, PWD: cwd, ...input.env, [name]: value },
    cwd,
  }
}

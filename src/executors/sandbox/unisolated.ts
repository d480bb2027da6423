/** Isolation "none": the command as a plain process of this host, never as root, always without new privileges. */
import { chownSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LaunchFd } from '../launcher/starter.ts'
import { defaultEnv, type Pickup } from './isolation.ts'
import type { AllowedPath } from './policy.ts'

export interface Identity {
  uid: number
  gid: number
}

/**
 * Its private directory stands in the temp directory: the runner's own directories are closed to the job's user. It
 * belongs to the slot and is used again while it is as good as new: making and removing one for each attempt costs more
 * than the rest of a short job where others work in the same temp directory.
 */
export const homePrefix = (tag: string): string => `runyard-${tag}-`
export const homeOf = (tag: string, slot: string): string => join(tmpdir(), `${homePrefix(tag)}${slot}`)

export function ensureHome(home: string, identity: Identity | null): void {
  const found = lstatSync(home, { throwIfNoEntry: false })
  if (found) {
    const [uid, gid] = identity ? [identity.uid, identity.gid] : [found.uid, found.gid]
    if (found.isDirectory() && (found.mode & 0o7777) === 0o700 && found.uid === uid && found.gid === gid) return
    rmSync(home, { recursive: true, force: true })
  }
  mkdirSync(home, { mode: 0o700 })
  if (identity) chownSync(home, identity.uid, identity.gid)
}

/** What a job left behind is moved out of the way at once, and removed without anybody waiting for it. */
export function emptyHome(home: string): void {
  try {
    if (readdirSync(home).length === 0) return
    const old = `${home}.${Date.now()}`
    renameSync(home, old)
    void rm(old, { recursive: true, force: true }).catch(() => {})
  } catch {
    void rm(home, { recursive: true, force: true }).catch(() => {})
  }
}

/** Every process of the attempt has it in its environment. */
export const markerPrefix = (tag: string): string => `RUNYARD_MARK=${tag}.`
export const markerOf = (tag: string, key: string): string => `${markerPrefix(tag)}${key}`

export function plainLaunch(input: {
  command: string[]
  env: Record<string, string>
  home: string
  marker: string
  workingDir: AllowedPath | null
  stdout: string
  stderr: string
  /** With the command and its environment in it. */
  pickup?: (env: Record<string, string>) => Pickup
  status: string
}): { argv: string[]; fds: LaunchFd[]; env: Record<string, string>; cwd: string } {
  const { USER: _user, LOGNAME: _name, ...general } = defaultEnv
  const cwd = input.workingDir?.real ?? input.home
  const [name = '', value = ''] = input.marker.split('=')
  const fds: LaunchFd[] = [
    { fd: 0, path: '/dev/null', open: 'read' },
    { fd: 1, path: input.stdout, open: 'pipe' },
    { fd: 2, path: input.stderr, open: 'pipe' },
  ]
  const env = { ...general, HOME: input.home, PWD: cwd, ...input.env, [name]: value }
  if (!input.pickup) return { argv: input.command, fds, env, cwd }
  const { order, report, argv } = input.pickup(env)
  fds.push({ fd: 3, data: order }, { fd: 4, path: report, open: 'pipe' }, { fd: 5, path: input.status, open: 'pipe' })
  return { argv: argv('3', '4', '5'), fds, env: { LANG: 'C', [name]: value }, cwd }
}

/** What this host gives to sandboxes: found by trying, once per executor. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openCgroupSpace, type CgroupSpace } from '../cgroup/base.ts'
import type { GroundOnWire } from '../launcher/protocol.ts'
import type { BwrapSupport } from './isolation.ts'
import { countsProcessesPerNamespace, maxOpenFiles, type HostLimits } from './limits.ts'

const run = promisify(execFile)

export interface Ground {
  space: CgroupSpace
  /** Null: no bubblewrap. */
  bwrap: BwrapSupport | null
  limits: HostLimits
}

/** Separates the cgroups of two runners on one host. */
export const runnerTag = (runDir: string): string =>
  `r-${createHash('sha256').update(runDir).digest('hex').slice(0, 12)}`

export async function bwrapSupport(): Promise<BwrapSupport | null> {
  try {
    const { stdout } = await run('bwrap', ['--help'])
    const has = (option: string): boolean => stdout.includes(` ${option} `) || stdout.includes(` ${option}\n`)
    return { bindFd: has('--bind-fd'), disableUserns: has('--disable-userns'), size: has('--size') }
  } catch {
    return null
  }
}

/** In the launcher: what its processes may enter is what counts. */
export async function surveyGround(runDir: string, delegated: string | null): Promise<Ground> {
  const [bwrap, space] = await Promise.all([bwrapSupport(), openCgroupSpace({ runner: runnerTag(runDir), delegated })])
  return { space, bwrap, limits: hostLimits(space, bwrap) }
}

export const groundToWire = ({ space, bwrap }: Ground): GroundOnWire => ({
  kind: space.kind,
  hierarchies: space.hierarchies.map(({ version, dir, controllers }) => ({
    version,
    dir,
    controllers: [...controllers],
  })),
  problems: [...space.problems],
  bwrap,
})

export function groundFromWire({ kind, hierarchies, problems, bwrap }: GroundOnWire): Ground {
  const space: CgroupSpace = {
    kind,
    hierarchies: hierarchies.map((h) => ({ ...h, controllers: new Set(h.controllers) as never })),
    problems: new Map(problems),
  }
  return { space, bwrap, limits: hostLimits(space, bwrap) }
}

export function hostLimits(space: CgroupSpace, bwrap: BwrapSupport | null): HostLimits {
  return {
    space,
    maxOpenFiles: maxOpenFiles(),
    nprocHolds: process.getuid?.() === 0 || countsProcessesPerNamespace(),
    tmpfsSize: bwrap?.size ?? false,
    prlimit: isExecutable(join('/usr/bin', 'prlimit')),
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

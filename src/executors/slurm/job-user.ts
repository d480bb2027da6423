/** Whom jobs of the cluster run as: the runner's own user; root never is one, and needs RUNYARD_SLURM_USER. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { StartRefused } from '../executor.ts'
import { runCommand } from './commands.ts'

export interface JobUser {
  name: string
  uid?: number
  gid?: number
  /** Not the runner's own. */
  other: boolean
}

export async function jobUser(name: string | undefined): Promise<JobUser> {
  const self = process.getuid?.() ?? 0
  if (name === undefined) {
    if (self !== 0) return { name: userInfo().username, other: false }
    throw new StartRefused(
      'refused',
      'jobs never run as root: set RUNYARD_SLURM_USER to a user that the cluster knows, or start the runner as one',
    )
  }
  const [uid, gid] = await idsOf(name)
  if (uid === 0) throw new StartRefused('refused', 'RUNYARD_SLURM_USER is root, and jobs never run as root')
  if (uid === self) return { name, other: false }
  if (self === 0) return { name, uid, gid, other: true }
  throw new StartRefused('refused', `RUNYARD_SLURM_USER is ${name}, and only root can submit jobs of another user`)
}

async function idsOf(name: string): Promise<[number, number]> {
  const local = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[0] === name)
  if (local) return [Number(local[2]), Number(local[3])]
  const { code, stdout } = await runCommand({}, 'getent', ['passwd', name])
  const fields = stdout.trim().split(':')
  if (code === 0 && fields.length > 3) return [Number(fields[2]), Number(fields[3])]
  throw new StartRefused('refused', `this machine knows no user ${name} (RUNYARD_SLURM_USER)`)
}

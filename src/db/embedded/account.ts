/** PostgreSQL refuses to run as root. As root it runs as the user who owns its data, else `postgres`, else `nobody`. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../../lib/app-error.ts'

const execFileAsync = promisify(execFile)

/** The uid to switch to; undefined when we simply stay who we are. */
export interface Account {
  uid: number
  gid: number
}

async function idOf(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => execFileAsync('id', [flag, name])))
    return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) }
  } catch {
    return undefined
  }
}

export async function accountFor(pgData: string): Promise<Account | undefined> {
  const owner = await stat(pgData).catch(() => undefined)
  const uid = process.getuid?.()
  if (uid !== 0) {
    if (owner && uid !== undefined && owner.uid !== uid) {
      throw new AppError(
        'failed_precondition',
        `the database in ${pgData} belongs to uid ${owner.uid}; start Runyard as root, as that user, or with another --data-dir`,
      )
    }
    try {
      userInfo()
    } catch {
      throw new AppError(
        'failed_precondition',
        `PostgreSQL needs a user name, and uid ${uid} has none in passwd; run as a named user or set DATABASE_URL`,
      )
    }
    return undefined
  }
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const account = (await idOf('postgres')) ?? (await idOf('nobody'))
  if (!account) {
    throw new AppError(
      'failed_precondition',
      'PostgreSQL does not run as root, and there is neither a user postgres nor nobody; add one or set DATABASE_URL',
    )
  }
  return account
}

/** The first directory on the way to `path` that the account may not pass, or undefined when all is open. */
export async function closedTo(account: Account | undefined, path: string): Promise<string | undefined> {
  if (!account) return undefined
  const way = [path]
  while (dirname(way[0]!) !== way[0]) way.unshift(dirname(way[0]!))
  for (const step of way) {
    const { mode, uid, gid } = await stat(step)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return step
  }
  return undefined
}

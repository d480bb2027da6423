/** The data directory of the embedded PostgreSQL: made once, whole or not at all. */
import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile, link } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../../lib/app-error.ts'
import type { Account } from './account.ts'
import { majorVersion } from './binaries.ts'

const execFileAsync = promisify(execFile)

export const adminRole = 'runyard_admin'
/** No setting of the host's locale, time zone or libpq may leak into the cluster. */
export const cleanEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Made once per data directory; two starts at once agree on one. */
export async function databasePassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'secrets', 'postgres.password')
  const read = (): Promise<string> => readFile(file, 'utf8').then((text) => text.trim())
  try {
    return await read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await writeFile(draft, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  return read()
}

/** Data of a version that we do not bring must not be taken for "no data yet". */
async function refuseOtherVersion(dataDir: string): Promise<void> {
  const others = (await readdir(dataDir)).filter((name) => /^pg\d+$/.test(name) && name !== `pg${majorVersion}`)
  if (others.length > 0) {
    throw new AppError(
      'failed_precondition',
      `${dataDir} holds data of another PostgreSQL (${others.join(', ')}); this Runyard brings version ${majorVersion}. ` +
        'Take `runyard backup` with the Runyard that made it, and restore that into a new --data-dir',
    )
  }
}

async function removeDrafts(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!/^\.pg\d+-/.test(name)) continue
    const path = join(dataDir, name)
    const found = await stat(path).catch(() => undefined)
    // A start that is under way on the same directory may be writing a younger one.
    if (found && Date.now() - found.mtimeMs > 10 * 60_000) await rm(path, { recursive: true, force: true })
  }
}

export interface ClusterOptions {
  dataDir: string
  pgData: string
  binaries: string
  account: Account | undefined
  password: string
  /** For tests only: skip fsync. */
  fast?: boolean
}

export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { dataDir, pgData, binaries, account, password } = options
  await removeDrafts(dataDir)
  if (await stat(join(pgData, 'PG_VERSION')).catch(() => undefined)) return
  await refuseOtherVersion(dataDir)
  const draft = await mkdtemp(join(dataDir, `.pg${majorVersion}-`))
  const data = join(draft, 'data')
  const passwordFile = join(draft, 'password')
  try {
    await mkdir(data, { mode: 0o700 })
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (account) for (const path of [passwordFile, data, draft]) await chown(path, account.uid, account.gid)
    const settings = [
      '-D',
      data,
      '-U',
      adminRole,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      ...(options.fast ? ['--no-sync'] : []),
    ]
    await execFileAsync(join(binaries, 'bin', 'initdb'), settings, { cwd: '/', env: cleanEnv, ...account }).catch(
      (error: Error & { stderr?: string }) => {
        const said = (error.stderr ?? error.message).trim().split('\n').slice(-5).join('\n')
        throw new AppError('failed_precondition', `cannot make the embedded database in ${pgData}:\n${said}`)
      },
    )
    await rename(data, pgData).catch((error: NodeJS.ErrnoException) => {
      // Another start was faster; its cluster is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

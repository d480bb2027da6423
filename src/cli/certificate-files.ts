/** The files of a certificate: key, certificate, authorities. Keys and certificates are never overwritten. */
import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../lib/app-error.ts'

export interface CertificateFiles {
  certificate: string
  key: string
  authorities: string
}

export const certificateFiles = (dir: string, name: string): CertificateFiles => ({
  certificate: join(dir, `${name}.crt`),
  key: join(dir, `${name}.key`),
  authorities: join(dir, 'ca.crt'),
})

/** Made if need be; only its owner looks into a directory of keys. */
export const makeCertificateDir = async (dir: string): Promise<void> => {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('invalid_argument', `cannot make the directory ${dir}: ${cause.code}`, { cause })
  })
}

const thereAlready = (path: string, cause?: unknown): AppError =>
  new AppError('conflict', `${path} is there already: remove it, or take another --out`, { cause })

/** Before anything is issued that could not be written. */
export async function refuseExisting(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new AppError('failed_precondition', `cannot look at ${path}: ${error.code}`, { cause: error })
  })
  if (found !== undefined) throw thereAlready(path)
}

/** Throws `conflict` for a file that is there, whoever it belongs to. */
export async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const failed = (cause: NodeJS.ErrnoException): AppError =>
    new AppError('failed_precondition', `${path} cannot be written: ${cause.code}`, { cause })
  const file = await open(path, 'wx', mode).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST' ? thereAlready(path, cause) : failed(cause)
  })
  try {
    await file.writeFile(text)
    await file.chmod(mode) // whatever the umask says
    await file.sync()
  } catch (cause) {
    await rm(path, { force: true })
    throw failed(cause as NodeJS.ErrnoException)
  } finally {
    await file.close()
  }
}

const blocks = (pem: string): string[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((one) =>
    one.replaceAll(/\s/g, ''),
  )

/**
 * What has to happen to `ca.crt`: one from before a new authority is extended. Throws `conflict` for a file with
 * anything else in it, because somebody trusts that.
 */
export async function authoritiesFile(path: string, text: string): Promise<'missing' | 'older' | 'same'> {
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new AppError('failed_precondition', `cannot read ${path}: ${error.code}`, { cause: error })
  })
  if (found === undefined) return 'missing'
  if (found === text) return 'same'
  const [now, before] = [blocks(text), blocks(found)]
  const isOlder = before.length > 0 && before.every((one) => now.includes(one))
  if (isOlder) return before.length < now.length ? 'older' : 'same'
  throw new AppError('conflict', `${path} has other authorities than this server: remove it, or take another --out`)
}

/** Whole or not at all, for whoever reads it meanwhile. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${process.pid}`
  await writeNew(draft, text, mode)
  await rename(draft, path).catch(async (cause: NodeJS.ErrnoException) => {
    await rm(draft, { force: true })
    throw new AppError('failed_precondition', `${path} cannot be written: ${cause.code}`, { cause })
  })
}

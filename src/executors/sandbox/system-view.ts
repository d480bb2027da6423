/** The part of this host that every sandbox sees, read-only: programs and libraries, and the few files they look up. */
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where programs live. A directory that not everybody may read is not bound. */
const systemDirs = ['/usr', '/opt', '/nix/store']
/** Symbolic links into /usr on most hosts, directories of their own on some. */
const rootLinks = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

const etcFiles = [
  'alternatives',
  'bash.bashrc',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'debian_version',
  'fonts',
  'gitconfig',
  'inputrc',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'login.defs',
  'magic',
  'mime.types',
  'os-release',
  'perl',
  'php',
  'pki',
  'protocols',
  'R',
  'services',
  'ssl',
  'terminfo',
  'timezone',
  'xdg',
]
const etcPatterns = [/^java(-|$)/, /^maven/, /^python\d/, /^redhat-release$/]
const networkFiles = ['hosts', 'resolv.conf', 'gai.conf', 'host.conf', 'nsswitch.conf']

let known: { args: string[]; at: number } | null = null
const knownForMs = 10_000

/** bwrap arguments; looked up again every ten seconds, a package may be installed meanwhile. */
export function systemView(): string[] {
  if (known === null || performance.now() - known.at > knownForMs) known = { args: look(), at: performance.now() }
  return known.args
}

function look(): string[] {
  const args: string[] = []
  for (const dir of systemDirs) if (isOpenToAll(dir)) args.push('--ro-bind', dir, dir)
  for (const path of rootLinks) {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isSymbolicLink()) args.push('--symlink', readlinkSync(path), path)
    else if (found?.isDirectory()) args.push('--ro-bind', path, path)
  }
  for (const name of etcNames()) args.push('--ro-bind-try', `/etc/${name}`, `/etc/${name}`)
  return args
}

function etcNames(): string[] {
  try {
    return readdirSync('/etc').filter(
      (name) => (etcFiles.includes(name) || etcPatterns.some((p) => p.test(name))) && isOpenToAll(join('/etc', name)),
    )
  } catch {
    return []
  }
}

export function networkView(): string[] {
  return networkFiles.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`])
}

function isOpenToAll(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && (found.mode & 0o004) !== 0
}

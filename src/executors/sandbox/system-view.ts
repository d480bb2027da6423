/** The part of this host that every sandbox sees, read-only: programs and libraries, and the few files they look up. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where programs live. A directory that not everybody may read is not bound. */
const systemDirs = ['/usr', '/opt', '/nix/store']
/** Symbolic links into /usr on most hosts, directories of their own on some. */
const rootLinks = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

/**
 * Of /etc only what programs need to run. Every bind mount costs a start 0.25 ms (measured; the list of a whole /etc
 * made 4.5 ms of 13), so directories are few, and files are copied instead.
 */
const etcNames = [
  'R',
  'alternatives',
  'crypto-policies',
  'fonts',
  'gitconfig',
  'ld.so.cache',
  'localtime',
  'mime.types',
  'os-release',
  'php',
  'pki',
  'protocols',
  'services',
  'ssl',
  'timezone',
]
const etcPatterns = [/^java(-|$)/, /^maven/]
const networkNames = ['hosts', 'resolv.conf', 'gai.conf', 'nsswitch.conf']
const largestCopy = 512 * 1024

export interface SystemView {
  /** Bound read-only at their own places. */
  directories: string[]
  links: { path: string; target: string }[]
  /** Small enough to be copied. */
  files: string[]
}

let known: { view: SystemView; at: number } | null = null
const knownForMs = 10_000

/** Looked up again every ten seconds: a package may be installed meanwhile. */
export function systemView(): SystemView {
  if (known === null || performance.now() - known.at > knownForMs) known = { view: look(), at: performance.now() }
  return known.view
}

/**
 * What a sandbox that is built now would see of the host: as long as this is the same text, one that was built before
 * sees the same. Directories are bound, so their contents are always the present ones, unless something is mounted there.
 */
export function fingerprintOf(view: SystemView): string {
  const states = [...view.directories, ...view.files].map((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (!found) return `${path} gone`
    const { dev, ino, mode } = found
    return found.isDirectory()
      ? `${path} ${dev} ${ino} ${mode}`
      : `${path} ${dev} ${ino} ${mode} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`
  })
  const links = view.links.map(({ path, target }) => `${path} > ${target}`)
  return [...states, ...links, ...mountsAt(view.directories)].join('\n')
}

/** Mounts that such a bind takes along, or is taken from. */
function mountsAt(directories: string[]): string[] {
  const touches = (mount: string, dir: string): boolean =>
    mount === '/' || mount === dir || mount.startsWith(`${dir}/`) || dir.startsWith(`${mount}/`)
  const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
  return lines.filter((line) => directories.some((dir) => touches(line.split(' ')[4] ?? '', dir)))
}

/** What a job with the host's network needs to find other hosts. */
export function networkView(): SystemView {
  const view: SystemView = { directories: [], links: [], files: [] }
  for (const name of networkNames) addCopy(view, join('/etc', name))
  return view
}

/** bwrap arguments without the files. */
export const viewArgs = (view: SystemView): string[] => [
  ...view.directories.flatMap((dir) => ['--ro-bind', dir, dir]),
  ...view.links.flatMap(({ path, target }) => ['--symlink', target, path]),
]

function look(): SystemView {
  const view: SystemView = { directories: systemDirs.filter(isOpenToAll), links: [], files: [] }
  for (const path of rootLinks) add(view, path)
  for (const name of namesIn('/etc')) {
    if (etcNames.includes(name) || etcPatterns.some((pattern) => pattern.test(name))) add(view, join('/etc', name))
  }
  return view
}

function add(view: SystemView, path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isSymbolicLink()) view.links.push({ path, target: readlinkSync(path) })
  else if (found?.isDirectory() && isOpenToAll(path)) view.directories.push(path)
  else if (found?.isFile()) addCopy(view, path)
}

/** Through links: resolv.conf often is one to a file that the sandbox does not see. */
function addCopy(view: SystemView, path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile() && isOpenToAll(path) && found.size <= largestCopy) view.files.push(path)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

function isOpenToAll(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && (found.mode & 0o004) !== 0
}

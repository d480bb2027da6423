/** For tests: images made of this host's own files, since none can be fetched. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { Engine } from '../engine.ts'

export interface ImageOptions {
  /** Programs of this host with the libraries that they name. */
  programs?: string[]
  /** Directories and files of this host, as they are. */
  copies?: string[]
  /** /bin/sh is another program. */
  shell?: string | null
  /** As a Dockerfile has them: `ENV A=b`, `ENTRYPOINT ["x"]`. */
  changes?: string[]
}

const tools =
  'cat chmod cp cut date dd dirname echo env false find grep head hostname id kill ln ls mkdir mkfifo mv od printf ps pwd readlink realpath rm rmdir sed seq setsid sleep sort stat tail tee test touch tr true uname wc yes nohup wget md5sum'.split(
    ' ',
  )

/** busybox with its usual names; answers the image's id. Half a second. */
export async function makeImage(engine: Engine, tag: string, options: ImageOptions = {}): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'runyard-image-'))
  const { programs = [], copies = [], shell = 'busybox', changes = [] } = options
  try {
    for (const dir of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'usr/bin']) {
      mkdirSync(join(root, dir), { recursive: true })
    }
    if (shell !== null) {
      copyFileSync(realpathSync(onHost('busybox')), join(root, 'bin/busybox'))
      for (const name of tools) symlinkSync('busybox', join(root, 'bin', name))
      if (shell !== 'busybox') bring(root, onHost(shell))
      symlinkSync(shell === 'busybox' ? 'busybox' : onHost(shell), join(root, 'bin/sh'))
    }
    for (const program of programs) bring(root, onHost(program))
    for (const path of copies) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      execFileSync('cp', ['-a', path, join(root, path)])
    }
    const tar = execFileSync('tar', ['-cf', '-', '--owner=0', '--group=0', '-C', root, '.'], { maxBuffer: 1024 ** 3 })
    return await load(engine, tag, tar, changes)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const onHost = (name: string): string =>
  name.startsWith('/') ? name : execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()

/** A program under its own path, with its libraries under theirs. */
function bring(root: string, program: string): void {
  const to = join(root, program)
  mkdirSync(dirname(to), { recursive: true })
  if (!existsSync(to)) copyFileSync(realpathSync(program), to)
  let found = ''
  try {
    found = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    // Not a dynamic executable.
  }
  for (const [, library] of found.matchAll(/(?:=> |^\s+)(\/\S+)/gm)) {
    const place = join(root, library!)
    mkdirSync(dirname(place), { recursive: true })
    if (!existsSync(place)) copyFileSync(realpathSync(library!), place)
  }
}

async function load({ docker }: Engine, tag: string, tar: Buffer, changes: string[]): Promise<string> {
  const answer = (await docker.importImage(Readable.from([tar]) as never, {
    changes,
  })) as unknown as NodeJS.ReadableStream
  const text = await new Promise<string>((resolve, reject) => {
    let all = ''
    answer.on('data', (bytes: Buffer) => (all += bytes.toString()))
    answer.on('end', () => resolve(all))
    answer.on('error', reject)
  })
  const id = /sha256:[0-9a-f]{64}/.exec(text)?.[0]
  if (id === undefined) throw new Error(`the image was not taken: ${text}`)
  const at = tag.lastIndexOf(':')
  await docker.getImage(id).tag({ repo: tag.slice(0, at), tag: tag.slice(at + 1) })
  return id
}

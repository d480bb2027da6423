/** Fails when the committed gRPC code is not what `proto/` says; `npm run proto` writes it. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const committed = 'src/api/grpc/gen'
const scratch = mkdtempSync(join(tmpdir(), 'runyard-gen-'))
try {
  execFileSync('buf', ['generate', '-o', scratch], { stdio: 'inherit' })
  const made = join(scratch, committed)
  const differ = [...new Set([...filesIn(committed), ...filesIn(made)])].filter((file) => !same(file, made))
  for (const file of differ) console.error(`${join(committed, file)} is not what proto/ says: npm run proto`)
  process.exitCode = differ.length === 0 ? 0 : 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function filesIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => statSync(join(dir, name)).isFile())
}

function same(file: string, made: string): boolean {
  const [ours, theirs] = [join(committed, file), join(made, file)]
  return existsSync(ours) && existsSync(theirs) && readFileSync(ours, 'utf8') === readFileSync(theirs, 'utf8')
}

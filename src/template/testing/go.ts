/** Go's own text/template, built once from `render.go` and asked once for all cases. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Case {
  text: string
  data: Record<string, unknown>
}
export interface Answer {
  output: string
  error?: string
  parsing?: boolean
}

/** Why Go cannot be asked, or undefined. */
export function goMissing(): string | undefined {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'no Go here (apt-get install golang-go)'
  }
}

export function askGo(cases: readonly Case[]): Answer[] {
  const source = fileURLToPath(new URL('render.go', import.meta.url))
  const dir = mkdtempSync(join(tmpdir(), 'runyard-go-'))
  try {
    const program = join(dir, 'render')
    const env = {
      ...process.env,
      GOCACHE: join(dir, 'cache'),
      GO111MODULE: 'off',
      GOTELEMETRY: 'off',
      CGO_ENABLED: '0',
    }
    execFileSync('go', ['build', '-o', program, source], { env, cwd: dir })
    const answers = execFileSync(program, { input: JSON.stringify(cases), maxBuffer: 64 * 1024 * 1024 })
    return JSON.parse(String(answers)) as Answer[]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

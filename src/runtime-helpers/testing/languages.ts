/** How the helpers of each language are run from these sources, as a runner would set them up. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

export interface Language {
  name: string
  /** Without it nothing runs. */
  needs: string
  argv(dir: string): string[]
  env?: Record<string, string>
  /** Its values are texts: it cannot tell "5" from 5. */
  shell?: true
}

/** The system's own first: one that a version manager puts before it can take 200 ms to begin. */
export const systemPath = `/usr/bin:${process.env.PATH}:${here}/bash`

const bash = (way: string): Language => ({
  name: `bash with ${way}`,
  needs: way,
  argv: () => ['bash', `${here}/testing/driver.sh`],
  env: { RUNYARD_HELPER_WAY: way, ...(way === 'python3' && { PATH: systemPath }) },
  shell: true,
})

export const languages: Language[] = [
  { name: 'node', needs: 'node', argv: () => ['node', `${here}/js/run.cjs`, `${here}/testing/driver.cjs`] },
  { name: 'python', needs: 'python3', argv: () => ['python3', `${here}/testing/driver.py`], env: { PATH: systemPath } },
  bash('curl'),
  { name: 'ruby', needs: 'ruby', argv: () => ['ruby', `${here}/testing/driver.rb`] },
  { name: 'go', needs: 'go', argv: (dir) => [buildGo(`${here}/testing/go/driver.go`, `${dir}/driver`)] },
]

/** What Bash falls back to. */
export const otherWays: Language[] = ['perl', 'python3', 'node'].map(bash)

export function buildGo(source: string, program: string): string {
  execFileSync('go', ['build', '-o', program, source], { env: { ...process.env, ...goEnv }, stdio: 'pipe' })
  return program
}

export const goEnv = { GO111MODULE: 'off', GOPATH: `${here}/go`, GOFLAGS: '' }

export const isThere = (program: string): boolean => {
  try {
    execFileSync('bash', ['-c', 'type -P "$0"', program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What a runner sets, and of our own environment no more than a script needs. `dir` has the socket and temporary files. */
export const scriptEnv = (dir: string, token: string): Record<string, string> => ({
  PATH: `${process.env.PATH}:${here}/bash`,
  HOME: process.env.HOME ?? '/',
  TMPDIR: dir,
  LANG: 'C.UTF-8',
  RUNYARD_SOCKET: `${dir}/socket`,
  RUNYARD_TOKEN: token,
  NODE_PATH: `${here}/js/modules`,
  PYTHONPATH: `${here}/python`,
  PYTHONDONTWRITEBYTECODE: '1',
  RUBYLIB: `${here}/ruby`,
})

export interface Driver {
  /** What the operation gave, a JSON text but for shells; throws what it was told. */
  ask(operation: string, ...given: string[]): Promise<string>
  /** With all that it began. */
  end(): Promise<void>
}

export function startDriver(argv: string[], env: Record<string, string>): Driver {
  const child = spawn(argv[0]!, argv.slice(1), { env, stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const gone = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(...words) {
      child.stdin.write(`${words.join('\t')}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`${argv.join(' ')} ended at ${words[0]}`)
      const [told, base64 = ''] = value.split('\t')
      const text = Buffer.from(base64, 'base64').toString()
      if (told !== 'ok') throw new Error(text)
      return text
    },
    async end() {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // It ended by itself.
      }
      await gone
    },
  }
}

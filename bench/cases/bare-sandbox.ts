/**
 * The control of the sandboxed figures: bubblewrap straight from `xargs`, with the very arguments and files that a job
 * of ours gets. A shell opens the files, which costs it one more exec.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bwrapSupport } from '../../src/executors/sandbox/ground.ts'
import { sandboxLaunch } from '../../src/executors/sandbox/isolation.ts'
import { seccompFilter } from '../../src/executors/sandbox/seccomp.ts'

export interface BareSandbox {
  /** Shell line that starts one. */
  line: string
  remove(): Promise<void>
}

export async function bareSandbox(command: string[]): Promise<BareSandbox> {
  const supports = await bwrapSupport()
  if (supports === null) throw new Error('bubblewrap is not installed')
  const dir = await mkdtemp(join(tmpdir(), 'runyard-bench-'))
  const { argv, fds } = sandboxLaunch({
    command,
    env: {},
    hostname: 'bench',
    network: 'none',
    diskBytes: 256 * 1024 * 1024,
    workingDir: null,
    binds: [],
    status: '/dev/null',
    seccomp: seccompFilter(),
    supports,
    limiter: [],
    stdout: '/dev/null',
    stderr: '/dev/null',
  })
  const redirections: string[] = []
  for (const entry of fds) {
    if ('data' in entry) {
      const path = join(dir, String(entry.fd))
      await writeFile(path, entry.data)
      redirections.push(`${entry.fd}<${path}`)
    } else redirections.push(`${entry.fd}${entry.open === 'pipe' ? '<>' : '<'}${entry.path}`)
  }
  const script = join(dir, 'start.sh')
  // More than nine files: numbers of two digits are bash's.
  await writeFile(script, `exec ${argv.map((arg) => `'${arg}'`).join(' ')} ${redirections.join(' ')}\n`)
  return { line: `bash ${script}`, remove: () => rm(dir, { recursive: true, force: true }) }
}

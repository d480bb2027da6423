/** Slurm's own programs: arguments as they are, no shell, an environment of their own, an end after a while. */
import { execFile } from 'node:child_process'
import { StartRefused } from '../executor.ts'

export interface SlurmUser {
  /** Absent: the configuration that the programs find themselves. */
  conf?: string | undefined
  /** Whom they act as; absent: as this process. */
  uid?: number
  gid?: number
}

export interface Answer {
  code: number
  stdout: string
  stderr: string
}

/** The programs wait for a controller that is away for much longer. */
const patienceMs = 20_000
const mostBytes = 64 * 1024 * 1024

/** What its environment says else about Slurm or its users is not the job's business. */
const kept = ['PATH', 'LANG', 'TZ', 'SLURM_CONF', 'SLURM_CLUSTERS']

/** Rejects with StartRefused `unreachable` when the program is not there or does not come back. */
export function runCommand(user: SlurmUser, program: string, args: string[], input = ''): Promise<Answer> {
  const env = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
  if (user.conf !== undefined) env.SLURM_CONF = user.conf
  const { uid, gid } = user
  const options = { env, cwd: '/', timeout: patienceMs, killSignal: 'SIGKILL', maxBuffer: mostBytes } as const
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { ...options, ...(uid === undefined ? {} : { uid, gid }) },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ code: 0, stdout, stderr })
        if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr })
        const why =
          (error.code as unknown) === 'ENOENT'
            ? `${program} is not installed on this runner (Debian: slurm-client)`
            : error.killed
              ? `${program} did not answer within ${patienceMs / 1000} s`
              : `${program}: ${error.message}`
        reject(new StartRefused('unreachable', `Slurm cannot be asked: ${why}`))
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/** The answer, or Slurm's words as an error of that class. */
export async function mustRun(user: SlurmUser, program: string, args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(user, program, args, input)
  if (code === 0) return stdout
  throw refusalIn(program, stderr)
}

const awayWords =
  /unable to contact|connection refused|timed out|connection timeout|authentication|munge|could not establish|communication connection|resolve|unexpected message|zero bytes|slurm_persist|backup controller|no route/i

export function refusalIn(program: string, stderr: string): StartRefused {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^(?:sbatch|scontrol|squeue|scancel|sinfo|sacct): (?:error: |fatal: )?/, '').trim())
  const said = lines.filter((line) => line !== '').join('; ') || `${program} failed without a word`
  if (awayWords.test(said)) return new StartRefused('unreachable', `Slurm does not answer: ${said}`)
  return new StartRefused('refused', `Slurm does not take the job: ${said}`)
}

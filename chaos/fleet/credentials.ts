/** The fleet's certificates, made as an administrator makes them: with the command line. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Cli {
  /** Runs a command of Runyard to its end and answers what it printed. */
  (words: string[], env: NodeJS.ProcessEnv, enter?: string[]): Promise<string>
}

export const cliOf =
  (root: string): Cli =>
  async (words, env, enter = []) => {
    const [file = '', ...args] = [...enter, process.execPath, join(root, 'bin', 'runyard.js'), ...words]
    try {
      return (await run(file, args, { env, timeout: 60_000 })).stdout
    } catch (error) {
      throw new Error(`runyard ${words.slice(0, 2).join(' ')}: ${String((error as { stderr?: string }).stderr)}`, {
        cause: error,
      })
    }
  }

export interface Credential {
  cert: Buffer
  key: Buffer
  ca: Buffer
}

/** A runner's certificate in the hands of the rig. */
export async function issueRunner(
  cli: (words: string[]) => Promise<string>,
  name: string,
  dir: string,
): Promise<Credential> {
  await cli(['certs', 'issue', '--role', 'runner', name, '--out', dir])
  const read = (file: string): Buffer => readFileSync(join(dir, file))
  return { cert: read(`${name}.crt`), key: read(`${name}.key`), ca: read('ca.crt') }
}

/** Whether anybody listens there. */
export const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 1000 })
    const over = (there: boolean): void => {
      socket.destroy()
      resolve(there)
    }
    socket.once('connect', () => over(true))
    socket.once('error', () => over(false))
    socket.once('timeout', () => over(false))
  })

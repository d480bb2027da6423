/** Questions to a person. Without a terminal there is nobody to ask, and the answer is no. */
import { text as readStream } from 'node:stream/consumers'
import { createInterface } from 'node:readline/promises'
import { AppError } from '../lib/app-error.ts'
import { exitCodes } from './exit-codes.ts'
import { notice } from './render.ts'

export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  lines.once('SIGINT', () => process.exit(exitCodes.interrupted))
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  // Ctrl-D is no answer.
  const answer = await ask(`${question} [y/N] `).catch(() => '')
  return /^y(es)?$/i.test(answer.trim())
}

/** Before anything else is done: where nobody can be asked, `command` with `--yes` is what to type. */
export function refuseUnasked(yes: boolean | undefined, command: string): void {
  if (yes === true || process.stdin.isTTY) return
  throw new AppError('invalid_argument', `no terminal to ask on: ${command} --yes`)
}

/** Of what cannot be undone. A no is told, and leaves exit code 1. */
export async function agreed(yes: boolean | undefined, question: () => string | Promise<string>): Promise<boolean> {
  if (yes === true || (await confirm(await question()))) return true
  notice('nothing was changed')
  process.exitCode = exitCodes.failed
  return false
}

/** From the terminal without echo, or all of stdin (`--password-stdin`). */
export async function readPassword(question: string, fromStdin: boolean): Promise<string> {
  if (fromStdin) return (await readStream(process.stdin)).replace(/\r?\n$/, '')
  if (!process.stdin.isTTY)
    throw new AppError('invalid_argument', 'no terminal to ask for the password: use --password-stdin')
  process.stderr.write(question)
  const { stdin } = process
  stdin.setRawMode(true)
  stdin.setEncoding('utf8').resume()
  let typed = ''
  try {
    for await (const chunk of stdin as AsyncIterable<string>) {
      for (const key of chunk) {
        if (key === '\r' || key === '\n' || key === '\u0004') return typed
        if (key === '\u0003') process.exit(130)
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key
      }
    }
    return typed
  } finally {
    stdin.setRawMode(false)
    process.stderr.write('\n')
  }
}

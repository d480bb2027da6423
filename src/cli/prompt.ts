/** Questions to a person. Without a terminal there is nobody to ask, and the answer is no. */
import { text as readStream } from 'node:stream/consumers'
import { createInterface } from 'node:readline/promises'
import { AppError } from '../lib/app-error.ts'

export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}

export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `)).trim())
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

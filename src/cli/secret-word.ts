/** A secret that need not stand on a command line, where every process of the machine reads it. */
import { readFile } from 'node:fs/promises'
import { AppError } from '../lib/app-error.ts'
import { readPassword } from './prompt.ts'

/** `-` is stdin, `@FILE` a file, no word at all a question on the terminal; everything else is the secret itself. */
export async function secretWord(word: string | true, what: string): Promise<string> {
  if (word === true) return (await readPassword(`${what}: `, false)).trim()
  if (word === '-') return (await readPassword('', true)).trim()
  if (!word.startsWith('@')) return word
  try {
    return (await readFile(word.slice(1), 'utf8')).trim()
  } catch (error) {
    throw new AppError('invalid_argument', `cannot read ${what} from ${word.slice(1)}: ${(error as Error).message}`)
  }
}

/** A text in somebody's editor. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../lib/app-error.ts'

/** `editor` may have options, as in `code --wait`. Answers what is in the file when the editor has ended, and where that is. */
export async function editText(editor: string, text: string, suffix: string): Promise<{ text: string; path: string }> {
  const path = join(await mkdtemp(join(tmpdir(), 'runyard-')), `event.${suffix}`)
  await writeFile(path, text, { mode: 0o600 })
  const code = await new Promise<number | null>((resolve, reject) => {
    // By a shell, as git does it: EDITOR is a command line.
    const child = spawn('sh', ['-c', `${editor} "$@"`, 'sh', path], { stdio: 'inherit' })
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new AppError('invalid_argument', `${editor} ended with ${code}; nothing was changed`)
  return { text: await readFile(path, 'utf8'), path }
}

/** A project directory for a test: its files belong to an ordinary user, as whom its tasks run. */
import { chown, mkdir, mkdtemp, rm, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Nobody's on any system: a root-owned project is refused, as it should be. */
const ordinary = 48_211

export interface Project {
  dir: string
  write(name: string, text: string): Promise<void>
  remove(): Promise<void>
}

export async function makeProject(files: Record<string, string>): Promise<Project> {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-project-'))
  await chmod(dir, 0o755)
  const own = async (path: string): Promise<void> => {
    if (process.getuid?.() === 0) await chown(path, ordinary, ordinary)
  }
  await own(dir)
  const write = async (name: string, text: string): Promise<void> => {
    const path = join(dir, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    await own(path)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return { dir, write, remove: () => rm(dir, { recursive: true, force: true }) }
}

/** From the files below the project directories of a server into the database: what is new, wrong, gone, back again. */
import type { Db, Queryable } from '../db/pool.ts'
import type { DefinitionProblem, PipelineDefinition } from '../job/pipeline.ts'
import { isAppError } from '../lib/app-error.ts'
import { putDefinition, type SchedulesChanged } from './definition-store.ts'
import { findFiles, readText, type FoundFile } from './find-files.ts'
import { readApart } from './read-apart.ts'
import type { ReadDefinition, ReadDefinitions, ReadProblem } from './read-yaml.ts'

export interface LoadParts {
  db: Db
  /** Of this server, in `servers`. */
  server: string
  /** Absolute. */
  roots: readonly string[]
  /** What came from another root is gone now; false: it stays, as whoever loads these did not choose the roots. */
  retiresOthers: boolean
  strict: boolean
  schedulesChanged: SchedulesChanged
}

export interface FilesOfRoots {
  files: (FoundFile & { root: string })[]
  directories: string[]
  /** Roots that cannot be read: what came from them stays. */
  away: Map<string, string>
}

export interface Loaded {
  /** In force now, whether they were before or not. */
  pipelines: number
  /** Names of those with another definition than before, or none any more. */
  changed: string[]
  gone: string[]
  problems: DefinitionProblem[]
}

export async function filesOfRoots(roots: readonly string[]): Promise<FilesOfRoots> {
  const found: FilesOfRoots = { files: [], directories: [], away: new Map() }
  const seen = new Set<string>()
  for (const root of roots) {
    try {
      const { files, directories } = await findFiles(root)
      found.directories.push(root, ...directories)
      // A root may lie within another.
      for (const file of files) if (!seen.has(file.path)) found.files.push({ ...file, root })
      for (const { path } of files) seen.add(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      found.away.set(
        root,
        code === 'ENOENT' ? 'there is no such directory' : `cannot be read (${code ?? String(error)})`,
      )
    }
  }
  return found
}

/** Each pipeline in a transaction of its own: one that cannot be stored harms no other. */
export async function loadFiles(parts: LoadParts, { files, away }: FilesOfRoots): Promise<Loaded> {
  const rootOf = new Map(files.map(({ path, root }) => [path, root]))
  const texts = await Promise.all(files.map(readText))
  const read = await readApart(texts, { strict: parts.strict })
  const problems: ReadProblem[] = [...read.problems, ...[...away].map(([root, why]) => ofRoot(root, why))]
  await claimRoots(parts)
  const changed: string[] = []
  const refused: { name: string; path: string }[] = []
  for (const each of read.pipelines) {
    const own = problems.filter(({ pipeline, file }) => pipeline === each.name && file === each.path)
    try {
      if (await load(parts, each, rootOf.get(each.path)!, own)) changed.push(each.name)
    } catch (error) {
      if (!isAppError(error) || error.code !== 'conflict') throw error
      refused.push(each)
      problems.push({ ...ofRoot(each.path, error.message), path: `pipelines.${each.name}`, pipeline: each.name })
    }
  }
  const gone = await dropGone(parts, read, new Set(away.keys()))
  await writeProblems(parts, problems, read, rootOf, new Set(refused.map(({ name }) => name)))
  return { pipelines: read.pipelines.length - refused.length, changed, gone, problems: problems.map(withoutName) }
}

const ofRoot = (file: string, message: string): ReadProblem => ({
  ...{ file, line: 1, column: 1, path: '', message, severity: 'error', pipeline: null },
})

const withoutName = ({ pipeline: _pipeline, ...problem }: ReadProblem): DefinitionProblem => problem

/** From now on nobody takes what is below them for gone; what was below others of ours may be. */
async function claimRoots({ db, server, roots, retiresOthers }: LoadParts): Promise<void> {
  await db.tx(async (tx) => {
    if (retiresOthers) {
      await tx.query(
        `delete from pipeline_roots r using servers s where s.id = r.server_id and s.name = $1 and not r.root = any($2)`,
        [server, roots],
      )
    }
    await tx.query(
      `insert into pipeline_roots (server_id, root) select s.id, r from servers s, unnest($2::text[]) r
       where s.name = $1 on conflict do nothing`,
      [server, roots],
    )
  })
}

/** Whether another definition is in force than before. */
function load(parts: LoadParts, read: ReadDefinition, root: string, problems: ReadProblem[]): Promise<boolean> {
  const { name, path, definition, source } = read
  return parts.db.tx(async (tx) => {
    const put = { name, definition, source, from: { path, root }, problems: problems.map(withoutName) }
    const stored = await putDefinition(tx, put)
    if (stored.changed || stored.returned) await parts.schedulesChanged(tx, stored.pipelineId, definition)
    return stored.changed || stored.returned
  })
}

interface Doomed {
  id: string
  name: string
  definition: PipelineDefinition
}

/** A file that cannot be read now keeps what came from it in force, and so does a definition that is wrong. */
async function dropGone(parts: LoadParts, read: ReadDefinitions, away: ReadonlySet<string>): Promise<string[]> {
  const there = [...read.pipelines, ...read.broken].map(({ name }) => name)
  const here = parts.roots.filter((root) => !away.has(root))
  return parts.db.tx(async (tx) => {
    const { rows } = await tx.query<Doomed>(
      `update pipelines p set gone_at = now(), problems = '[]', updated_at = now() from pipeline_versions v
       where v.pipeline_id = p.id and v.number = p.version and p.source = 'file' and p.gone_at is null
         and (p.root = any($1) and p.name <> all($2) and p.path <> all($3)
           or $4 and p.root is not null and not exists (select from pipeline_roots r where r.root = p.root))
       returning p.id, p.name, v.definition`,
      [here, there, read.unreadable, parts.retiresOthers],
    )
    for (const { id, definition } of rows) await parts.schedulesChanged(tx, id, { ...definition, schedules: [] })
    return rows.map(({ name }) => name).sort()
  })
}

/** Beside the pipeline where one of that name is in force from there, else beside the root. */
async function writeProblems(
  parts: LoadParts,
  problems: readonly ReadProblem[],
  read: ReadDefinitions,
  rootOf: ReadonlyMap<string, string>,
  refused: ReadonlySet<string>,
): Promise<void> {
  await parts.db.tx(async (tx) => {
    const { rows } = await tx.query<{ name: string; path: string }>(
      `select name, path from pipelines where source = 'file' and gone_at is null and root = any($1)`,
      [parts.roots],
    )
    const inForce = new Set(rows.map(({ name }) => name).filter((name) => !refused.has(name)))
    for (const { name } of read.broken.filter((each) => inForce.has(each.name))) {
      await note(
        tx,
        name,
        problems.filter(({ pipeline }) => pipeline === name),
      )
    }
    for (const { name, path } of rows.filter((row) => read.unreadable.includes(row.path))) {
      await note(
        tx,
        name,
        problems.filter(({ file }) => file === path),
      )
    }
    for (const root of parts.roots) {
      const own = problems.filter(
        ({ file, pipeline }) => (rootOf.get(file) ?? file) === root && !(pipeline !== null && inForce.has(pipeline)),
      )
      await tx.query(
        `update pipeline_roots r set problems = $3, loaded_at = now() from servers s
         where s.id = r.server_id and s.name = $1 and r.root = $2`,
        [parts.server, root, JSON.stringify(own.map(withoutName))],
      )
    }
  })
}

async function note(tx: Queryable, name: string, problems: readonly ReadProblem[]): Promise<void> {
  const told = JSON.stringify(problems.map(withoutName))
  await tx.query('update pipelines set problems = $2 where name = $1 and problems <> $2::jsonb', [name, told])
}

/** What is wrong with files of which nothing is in force; the same root may be another server's too. */
export async function problemsOfFiles(db: Queryable): Promise<DefinitionProblem[]> {
  const { rows } = await db.query<{ problems: DefinitionProblem[] }>(
    `select distinct on (root) problems from pipeline_roots order by root, loaded_at desc`,
  )
  return rows.flatMap(({ problems }) => problems)
}

/** Rows of artefacts: which file of which attempt, and where its bytes are. */
import type { Queryable } from '../db/pool.ts'
import type { ArtifactFile } from '../job/artifacts.ts'

export interface ArtifactRow extends ArtifactFile {
  id: string
  attempt: number
  blob: string
  /** Null: in the shared store. */
  server: string | null
}

const columns = `id::text, attempt, name, bytes::float8, encode(sha256, 'hex') as sha256, blob, server_id::text as server`

/** Of the given attempt, of all when it is missing; by attempt and name. */
export async function artifactsOf(db: Queryable, jobKey: string, attempt?: number): Promise<ArtifactRow[]> {
  const { rows } = await db.query<ArtifactRow>({
    name: 'artifacts_of_job',
    text: `select ${columns} from artifacts where job_id = $1::bigint and ($2::int is null or attempt = $2)
      order by attempt, name collate "C"`,
    values: [jobKey, attempt ?? null],
  })
  return rows
}

/** Of the newest attempt that left it unless one is named. */
export async function artifactNamed(
  db: Queryable,
  jobKey: string,
  name: string,
  attempt?: number,
): Promise<ArtifactRow | null> {
  const { rows } = await db.query<ArtifactRow>({
    name: 'artifact_named',
    text: `select ${columns} from artifacts where job_id = $1::bigint and name = $2
      and ($3::int is null or attempt = $3) order by attempt desc limit 1`,
    values: [jobKey, name, attempt ?? null],
  })
  return rows[0] ?? null
}

export interface JobArtifactRow extends ArtifactRow {
  job: string
}

/** What the last attempts of these jobs left. */
export async function lastArtifactsOf(db: Queryable, publicIds: readonly string[]): Promise<JobArtifactRow[]> {
  const { rows } = await db.query<JobArtifactRow>({
    name: 'artifacts_of_jobs',
    text: `select j.public_id as job, ${columns.replace('id::text, attempt, name', 'a.id::text, a.attempt, a.name')}
      from jobs j join artifacts a on a.job_id = j.id and a.attempt = j.last_attempt
      where j.public_id = any($1::text[]) order by j.public_id, a.name collate "C"`,
    values: [publicIds],
  })
  return rows
}

export async function artifactById(db: Queryable, id: string): Promise<(JobArtifactRow & { last: boolean }) | null> {
  const { rows } = await db.query<JobArtifactRow & { last: boolean }>({
    name: 'artifact_by_id',
    text: `select j.public_id as job, a.attempt = j.last_attempt as last,
        ${columns.replace('id::text, attempt, name', 'a.id::text, a.attempt, a.name')}
      from artifacts a join jobs j on j.id = a.job_id where a.id = $1::bigint`,
    values: [id],
  })
  return rows[0] ?? null
}

export interface NewArtifact extends ArtifactFile {
  jobKey: string
  attempt: number
  blob: string
  server: string | null
}

/** One of the same name and attempt is removed with the sweep. */
export async function addArtifact(tx: Queryable, artifact: NewArtifact): Promise<void> {
  const { jobKey, attempt, name, bytes, sha256, blob, server } = artifact
  await tx.query({
    name: 'artifact_replace',
    text: 'update artifacts set job_id = null where job_id = $1::bigint and attempt = $2 and name = $3',
    values: [jobKey, attempt, name],
  })
  await tx.query({
    name: 'artifact_add',
    text: `insert into artifacts (job_id, attempt, name, bytes, sha256, blob, server_id)
      values ($1::bigint, $2, $3, $4::bigint, decode($5, 'hex'), $6, $7::bigint)`,
    values: [jobKey, attempt, name, bytes, sha256, blob, server],
  })
}

/** Without a job, and here: in the directory of that server, or in the shared store when `shared`. */
export async function removableArtifacts(
  db: Queryable,
  { server, shared, limit }: { server: string; shared: boolean; limit: number },
): Promise<{ id: string; blob: string; shared: boolean }[]> {
  const { rows } = await db.query<{ id: string; blob: string; shared: boolean }>({
    name: 'artifacts_removable',
    text: `select id::text, blob, server_id is null as shared from artifacts
      where job_id is null and (server_id = $1::bigint or (server_id is null and $2)) order by id limit $3`,
    values: [server, shared, limit],
  })
  return rows
}

export async function forgetArtifacts(db: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.query({
    name: 'artifacts_forget',
    text: 'delete from artifacts where id = any($1::bigint[]) and job_id is null',
    values: [ids],
  })
}

/** Of these names, those that a row has. */
export async function knownBlobs(db: Queryable, blobs: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ blob: string }>({
    name: 'artifacts_known',
    text: 'select blob from artifacts where blob = any($1::text[])',
    values: [blobs],
  })
  return new Set(rows.map(({ blob }) => blob))
}

export interface ServerSeen {
  name: string
  address: string | null
  silentSeconds: number
}

/** Null: it is not known any more. */
export async function serverOf(db: Queryable, id: string): Promise<ServerSeen | null> {
  const { rows } = await db.query<ServerSeen>({
    name: 'artifacts_server',
    text: `select name, address, extract(epoch from clock_timestamp() - last_seen_at)::float8 as "silentSeconds"
      from servers where id = $1::bigint`,
    values: [id],
  })
  return rows[0] ?? null
}

/** Secrets that can be recognised in whatever form they come, and the search for them where nobody may find one. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Grounds } from './stand.ts'

/** In every secret of a run. Letters and digits alone: JSON, URLs and shells leave those as they are. */
const canary = 'cAn4ryOfRunyard7Xq'

/** A secret value that no encoding leaves as it is. */
export const secretOf = (nr: number): string => `p/"${canary}"+${nr} é&`

interface Form {
  name: string
  bytes: Buffer
}

const forms: Form[] = [
  { name: 'as it is', bytes: Buffer.from(canary) },
  { name: 'in hex', bytes: Buffer.from(Buffer.from(canary).toString('hex')) },
  { name: 'in HEX', bytes: Buffer.from(Buffer.from(canary).toString('hex').toUpperCase()) },
  ...[0, 1, 2].map((shift) => ({ name: `in base64 (${shift})`, bytes: base64Inside(shift) })),
]

/** What base64 makes of it behind so many bytes of something else, without what depends on its neighbours. */
function base64Inside(shift: number): Buffer {
  const text = Buffer.from('x'.repeat(shift) + canary).toString('base64')
  return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + canary.length) * 8) / 6)))
}

/** The names of the forms that are in there. */
export const secretsIn = (bytes: Buffer): string[] =>
  forms.filter((form) => bytes.includes(form.bytes)).map(({ name }) => name)

/** Database, audit log among it, logs, spools, what the processes have said. */
export async function secretsSeen(stand: Grounds): Promise<string[]> {
  return [...(await secretsInDatabase(stand)), ...secretsInFiles(stand)]
}

export function secretsInFiles(stand: Grounds): string[] {
  return stand
    .openPlaces()
    .flatMap(allFiles)
    .flatMap((path) => {
      try {
        return secretsIn(readFileSync(path)).map((form) => `${form} in ${path}`)
      } catch {
        return [] // gone meanwhile, or a pipe
      }
    })
}

async function secretsInDatabase(stand: Grounds): Promise<string[]> {
  const tables = await stand.sql<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    // bytea shows as hex here, which is one of the forms.
    const rows = await stand.sql<{ row: string }>(`select t::text as row from ${name} t`)
    for (const form of secretsIn(Buffer.from(rows.map(({ row }) => row).join('\n'))))
      found.push(`${form} in table ${name}`)
  }
  return found
}

function allFiles(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  } catch {
    return []
  }
}

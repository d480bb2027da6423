/** Looking for hosts. Who may see which is decided above. */
import type { Queryable } from '../db/pool.ts'
import { hostColumns, hostState, hostTables, type HostRow, type HostState } from './host-rows.ts'

export interface HostFilter {
  /** Missing: of all. */
  openTo?: 'operators' | undefined
  /** `k=v`, all of them. */
  labels?: string[] | undefined
  states?: HostState[] | undefined
  /** Part of the name or description, any case; of the address too when that may be seen. */
  search?: string | undefined
  searchAddress?: boolean | undefined
}

/** By name, those after `after`. */
export async function listHosts(
  db: Queryable,
  { openTo, labels, states, search, searchAddress = false }: HostFilter,
  { after, limit }: { after: string | null; limit: number },
): Promise<HostRow[]> {
  const { rows } = await db.query<HostRow>({
    name: 'hosts_list',
    text: `select ${hostColumns} from ${hostTables}
      where ($1::text is null or h.open_to = $1) and ($2::text[] is null or h.labels @> $2)
        and ($3::text[] is null or ${hostState} = any($3))
        and ($4::text is null or strpos(lower(h.name), lower($4)) > 0 or strpos(lower(h.description), lower($4)) > 0
          or ($5 and strpos(lower(h.address), lower($4)) > 0))
        and ($6::text is null or h.name > $6)
      order by h.name limit $7`,
    values: [openTo ?? null, labels ?? null, states ?? null, search ?? null, searchAddress, after, limit],
  })
  return rows
}

export async function findHost(db: Queryable, name: string): Promise<HostRow | null> {
  const { rows } = await db.query<HostRow>({
    name: 'hosts_find',
    text: `select ${hostColumns} from ${hostTables} where h.name = $1`,
    values: [name],
  })
  return rows[0] ?? null
}

/** Held until the transaction ends. */
export async function lockHost(tx: Queryable, name: string): Promise<HostRow | null> {
  await tx.query({ name: 'hosts_lock', text: 'select from hosts where name = $1 for update', values: [name] })
  return findHost(tx, name)
}

/** Those named, and every host that leads to one of them. */
export async function hostsWithJumps(db: Queryable, names: readonly string[]): Promise<HostRow[]> {
  const { rows } = await db.query<HostRow>({
    name: 'hosts_with_jumps',
    text: `with recursive found(id) as (
        select id from hosts where name = any($1::text[])
        union select b.jump_id from found f join hosts b on b.id = f.id where b.jump_id is not null
      ) select ${hostColumns} from ${hostTables} where h.id in (select id from found)`,
    values: [names],
  })
  return rows
}

/** For a submit: what names and labels mean now. */
export interface HostInBrief {
  name: string
  labels: string[]
  openTo: HostRow['openTo']
  state: HostState
}

export async function hostsInBrief(
  db: Queryable,
  names: readonly string[],
  labels: readonly string[],
): Promise<HostInBrief[]> {
  const { rows } = await db.query<HostInBrief>({
    name: 'hosts_in_brief',
    text: `select h.name, h.labels, h.open_to as "openTo", ${hostState} as state from hosts h
      where h.name = any($1::text[]) or h.labels && $2::text[] order by h.name`,
    values: [names, labels],
  })
  return rows
}

/** What became of jobs on hosts, as far as it says something of the host. */
import type { Queryable } from '../db/pool.ts'
import type { Outcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import type { KnownFacts } from './host-rows.ts'

export interface HostSeen {
  host: string
  /** Its command ran there, whatever came of it. */
  reached: boolean
  error: string | null
  /** Public id. */
  job: string
  at: Date
}

/** Nothing of a job that was cancelled: it may never have tried. */
export function seenOf(outcome: Outcome, hosts: readonly string[], job: string, at: Date): HostSeen[] {
  if (outcome.hosts !== undefined) {
    return outcome.hosts.flatMap(({ host, state, exit_code: code, signal, message }) => {
      if (state === 'cancelled') return []
      const reached = ranThere(state, code, signal)
      return { host, reached, error: reached ? null : (message ?? state).slice(0, 500), job, at }
    })
  }
  if (outcome.state === 'cancelled') return []
  const reached = ranThere(outcome.state, outcome.exit_code, outcome.signal)
  const error = reached ? null : (outcome.message ?? outcome.state).slice(0, 500)
  return hosts.map((host) => ({ host, reached, error, job, at }))
}

const ranThere = (state: string, code: number | null | undefined, signal: string | null | undefined): boolean =>
  state === 'succeeded' || state === 'oom_killed' || state === 'timed_out' || (code ?? signal ?? null) !== null

export async function noteSeenHosts(db: Queryable, seen: readonly HostSeen[]): Promise<void> {
  await db.query({
    name: 'hosts_note_seen',
    text: `update hosts h set last_job = s.job,
        last_ok_at = case when s.reached then greatest(h.last_ok_at, s.at) else h.last_ok_at end,
        last_failed_at = case when s.reached then h.last_failed_at else greatest(h.last_failed_at, s.at) end,
        last_error = case when s.reached then h.last_error else s.error end
      from jsonb_to_recordset($1::jsonb) as s(host text, reached boolean, error text, job text, at timestamptz)
      where h.name = s.host`,
    values: [JSON.stringify(seen)],
  })
}

const line = (text: string | undefined, most = 200): string | null => {
  const clean = text
    ?.replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, most)
  return clean === undefined || clean === '' ? null : clean
}
const whole = (text: string | undefined): number | null => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : null)

/** Of the outputs of a test (`operations/host-test.ts`). A host may say anything. */
export function factsIn(outputs: Outputs): KnownFacts {
  const { cgroup, systemd } = outputs
  return {
    ...{ hostname: line(outputs.hostname), os: line(outputs.os), kernel: line(outputs.kernel) },
    ...{ arch: line(outputs.arch, 50), cores: whole(outputs.cores), memory_bytes: whole(outputs.memory_bytes) },
    cgroup: cgroup === 'v2' || cgroup === 'v1' || cgroup === 'none' ? cgroup : null,
    systemd: systemd === 'true' ? true : systemd === 'false' ? false : null,
    ...{ user: line(outputs.user, 64), uid: whole(outputs.uid) },
    tools: (outputs.tools ?? '')
      .split(/\s+/)
      .filter((tool) => /^[\w.+-]{1,40}$/.test(tool))
      .slice(0, 50),
  }
}

/** Only of the newest test of a host. */
export async function storeFacts(db: Queryable, jobKey: string, facts: KnownFacts): Promise<void> {
  await db.query(
    `update hosts set facts = $2::jsonb, facts_at = now()
     where test_job = (select public_id from jobs where id = $1::bigint)`,
    [jobKey, JSON.stringify(facts)],
  )
}

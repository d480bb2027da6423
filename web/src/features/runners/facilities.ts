/** What a runner says that it can hold; it may be older or newer than this page, so everything is read with care. */
export interface Facility {
  name: string
  held: boolean
  /** By what it is held, or why it is not. */
  detail: string
}

const names: Record<string, string> = {
  cpu: 'CPU',
  memory_bytes: 'Memory',
  pids: 'Processes',
  open_files: 'Open files',
  output_bytes: 'Output',
  disk_bytes: 'Disk',
  io_bytes_per_second: 'I/O rate',
}

type Entry = Record<string, unknown>
const entry = (value: unknown): Entry => (typeof value === 'object' && value !== null ? (value as Entry) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export function facilitiesOf(facilities: unknown): Facility[] {
  const { isolation, limits } = entry(facilities)
  const full = entry(isolation)
  const list = Object.entries(entry(limits)).map(([key, value]) => {
    const { held, by, reason } = entry(value)
    return { name: names[key] ?? key, held: held === true, detail: held === true ? text(by) : text(reason) }
  })
  if (isolation === undefined) return list
  return [{ name: 'Isolation', held: full['full'] === true, detail: text(full['reason']) }, ...list]
}

/** Shared directories of the runner, and whether each can be read now. */
export function sharesOf(facilities: unknown): Facility[] {
  return Object.entries(entry(entry(facilities)['inputs'])).map(([name, value]) => {
    const { ok, reason } = entry(value)
    return { name, held: ok === true, detail: text(reason) }
  })
}

/** A place besides the sandbox to which the runner takes jobs: `lines` are what there is to tell. */
export interface Elsewhere {
  executor: string
  /** What stands there: `podman 4.3.1`. */
  title: string
  problem: string | null
  lines: string[]
  hosts: HostLink[]
}

export interface HostLink {
  name: string
  breaker: string
  connections: number
  sessions: number
  lastError: string | null
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const count = (n: number, one: string, more = `${one}s`) => `${n} ${n === 1 ? one : more}`

export function elsewhereOf(facilities: unknown): Elsewhere[] {
  const kinds = entry(entry(facilities)['elsewhere'])
  return Object.entries(kinds).map(([executor, value]) => {
    const state = entry(value)
    const place = {
      executor,
      title: [text(state['engine']), text(state['version'])].filter((word) => word !== '').join(' '),
      problem: text(state['problem']) || null,
      lines: [] as string[],
      hosts: [] as HostLink[],
    }
    if (executor === 'container') place.lines = containerLines(state)
    if (executor === 'ssh') place.hosts = hostLinks(state)
    const partitions = list(state['partitions']).map(text).filter(Boolean)
    if (partitions.length > 0) place.lines.push(`partitions ${partitions.join(', ')}`)
    if (text(state['namespace']) !== '') place.lines.push(`namespace ${text(state['namespace'])}`)
    return place
  })
}

function containerLines(state: Entry): string[] {
  const warm = list(state['warm']).map(entry)
  const images = list(state['images']).length
  return [
    ...(images > 0 ? [count(images, 'image')] : []),
    ...warm
      .filter((one) => number(one['waiting']) + number(one['hits']) + number(one['misses']) > 0)
      .map((one) => {
        const asked = number(one['hits']) + number(one['misses'])
        const found = asked === 0 ? '' : `, ${number(one['hits'])} of ${asked} jobs found one`
        return `${text(one['image'])}: ${number(one['waiting'])} warm${found}`
      }),
  ]
}

const hostLinks = (state: Entry): HostLink[] =>
  list(state['hosts'])
    .map(entry)
    .filter((host) => text(host['name']) !== '')
    .map((host) => ({
      name: text(host['name']),
      breaker: text(host['breaker']),
      connections: number(host['connections']),
      sessions: number(host['sessions']),
      lastError: text(host['last_error']) || null,
    }))

/** How a runner that follows the load of its machine sees it; null when it does not. */
export function loadOf(facilities: unknown): { cpu: string; memory: string; holdingBack: number; why: string } | null {
  const load = entry(entry(facilities)['load'])
  if (text(load['mode']) !== 'follow') return null
  const share = (value: unknown) => (typeof value === 'number' ? `${Math.round(value * 100)} %` : text(value))
  return {
    cpu: share(load['cpu']),
    memory: share(load['memory']),
    holdingBack: number(load['holding_back']),
    why: text(load['why']),
  }
}

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

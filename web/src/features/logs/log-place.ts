/** What of which log is shown, as it stands in the URL: a link to a line is the page's own address. */
export interface LogPlace {
  stream?: 'stdout' | 'stderr'
  /** An older attempt; the newest one when missing. */
  attempt?: number
  line?: number
}

export function readLogPlace(search: Record<string, unknown>): LogPlace {
  const count = (value: unknown) => {
    const number = Number(value)
    return Number.isSafeInteger(number) && number >= 1 ? number : undefined
  }
  const stream = search['stream']
  return {
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
    attempt: count(search['attempt']),
    line: count(search['line']),
  }
}

/** `#L123`, as in the address of a line of code. */
export function lineOfHash(hash: string): number | undefined {
  const line = Number(/^#?L(\d{1,9})$/.exec(hash)?.[1])
  return line >= 1 ? line : undefined
}

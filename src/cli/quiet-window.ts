/** Quiet hours as they are typed: `mon-fri 22:00-07:00 Europe/Berlin drop`; only the times are needed. */
import { InvalidArgumentError } from 'commander'
import { weekdays, type Quiet, type Weekday } from '../api/contract/channels.ts'

export function parseQuiet(text: string): Quiet {
  let days: Weekday[] | undefined
  let times: [string, string] | undefined
  let zone: string | undefined
  let action: Quiet['action'] = 'hold'
  for (const word of text.trim().split(/\s+/)) {
    const clock = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(word)
    if (clock !== null) times = [clock[1]!, clock[2]!]
    else if (word === 'hold' || word === 'drop') action = word
    else if (parseDays(word) !== undefined) days = parseDays(word)
    else if (zone === undefined) zone = word
    else throw new InvalidArgumentError(`does not understand "${word}"; ${example}`)
  }
  if (times === undefined) throw new InvalidArgumentError(`needs times; ${example}`)
  return { days: days ?? [...weekdays], from: times[0], to: times[1], time_zone: zone ?? 'UTC', action }
}

const example = 'e.g. "mon-fri 22:00-07:00 Europe/Berlin"'

/** `mon`, `mon,wed`, `fri-mon`; undefined for another word. */
function parseDays(word: string): Weekday[] | undefined {
  const days: Weekday[] = []
  for (const part of word.toLowerCase().split(',')) {
    const [from, to = from] = part.split('-').map((day) => weekdays.indexOf(day as Weekday))
    if (from === undefined || from < 0 || to! < 0) return undefined
    for (let day = from; ; day = (day + 1) % 7) {
      days.push(weekdays[day]!)
      if (day === to) break
    }
  }
  return weekdays.filter((day) => days.includes(day))
}

/** As one would type it. */
export function showQuiet({ days, from, to, time_zone, action }: Quiet): string {
  return [
    ...(days.length === 7 ? [] : [showDays(days)]),
    `${from}-${to}`,
    time_zone,
    ...(action === 'drop' ? [action] : []),
  ].join(' ')
}

function showDays(days: Weekday[]): string {
  const sorted = weekdays.filter((day) => days.includes(day))
  const first = weekdays.indexOf(sorted[0]!)
  const inARow = sorted.every((day, i) => weekdays.indexOf(day) === first + i)
  return inARow && sorted.length > 2 ? `${sorted[0]}-${sorted.at(-1)}` : sorted.join(',')
}

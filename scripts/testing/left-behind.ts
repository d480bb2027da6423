/** Processes that work in a directory of a test run. After the run there must be none. */
import { readFileSync, readdirSync } from 'node:fs'

export function leftBehind(): string[] {
  let pids: string[]
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  } catch {
    return []
  }
  return pids.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return /\/runyard-(test|e2e)-/.test(command) ? [`${pid} ${command.slice(0, 120)}`] : []
    } catch {
      return []
    }
  })
}

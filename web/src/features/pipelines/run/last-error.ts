import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { countedFromOne, taskTitle } from './task-text.ts'

export interface LastError {
  /** The task that it is about. */
  task: { name: string; item: number | null } | null
  text: string
}

/** `task each[7]: exit code 1`, as the server writes it, with the number that the table has. */
export function readLastError(error: string): LastError {
  const [whole, name, index] = /^task (.+?)(?:\[(\d+)\])?: /u.exec(error) ?? []
  if (whole === undefined || name === undefined) return { task: null, text: sentence(visibleText(error)) }
  const task = { name, item: index === undefined ? null : Number(index) }
  return { task, text: visibleText(countedFromOne(error.slice(whole.length), name)) }
}

/** The same in one line. */
export function lastErrorText(error: string): string {
  const { task, text } = readLastError(error)
  return task ? `Task ${taskTitle(task)}: ${text}` : text
}

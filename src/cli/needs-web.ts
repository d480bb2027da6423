/** Commands that a saved login with a certificate cannot do: gRPC has jobs, and nothing else. */
import type { Command } from 'commander'
import { AppError } from '../lib/app-error.ts'

const overGrpc = new Set(['start', 'run', 'stop', 'status', 'log', 'ls'])

/** `certs ls` for the command `ls` of the group `certs`. */
export function wordsOf(command: Command): string {
  const words: string[] = []
  for (let at: Command | null = command; at?.parent; at = at.parent) words.unshift(at.name())
  return words.join(' ')
}

export const isOverGrpc = (command: Command): boolean => overGrpc.has(wordsOf(command))

/** `server`: of the saved login, `host:port`. `signedIn`: web addresses with a saved login. */
export function needsWeb(command: Command, server: string, signedIn: string[]): AppError {
  const host = server.slice(0, server.lastIndexOf(':'))
  const url = signedIn.find((each) => new URL(each).host.replace(/:\d+$/, '') === host)
  const there = url ?? `http://${host}:8000`
  const words = wordsOf(command)
  return new AppError(
    'failed_precondition',
    `${words} does not go over gRPC, where your login is (${server}), and no server runs on this machine: ` +
      `add --server ${there}${url === undefined ? ` (after runyard login ${there})` : ''}; ` +
      'or runyard logout, and commands are for this machine again',
  )
}

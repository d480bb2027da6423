/** What is said to a host: command lines without a secret in them, and what follows them through stdin. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Hello } from './ear.ts'
import { shellWord, shellWords } from '../../ssh/shell-words.ts'

let text: string | undefined
export const remoteScript = (): string =>
  (text ??= readFileSync(fileURLToPath(new URL('./remote.sh', import.meta.url)), 'utf8'))

/**
 * In an environment that is that of a login but for what an administrator's files add to it. One line without a `!`,
 * since the first to read it is whatever shell the user has there.
 */
const inCleanShell = (script: string, args: readonly string[]): string =>
  `exec /bin/sh -c ${shellWord('exec env -i HOME="$HOME" LOGNAME="$LOGNAME" USER="$USER" SHELL="$SHELL" PATH="$PATH" /bin/sh -c "$0" "$@"')} ${shellWords([script, 'runyard', ...args])}`

/** Reads exactly so many bytes from stdin: what comes behind them is for somebody else. */
const readExactly = '$(dd bs=1 count="$1" 2>/dev/null)'

/** Its stdin: the script, then a line for each question. */
export const earCommand = (tag: string, scriptBytes: number): string =>
  inCleanShell(`tag=$2; s=${readExactly}; eval "$s"; unset s; ear`, [String(scriptBytes), tag])

/** Its stdin: `jobText`, then a tar of the attempt's directory with the script as the last file. */
export const beginCommand = (place: RemotePlace, jobBytes: number): string =>
  inCleanShell(`${at} umask 077; RUNYARD__SECRETS=${readExactly}; cd "$5" && tar -xof - && . ./remote.sh && begin`, [
    String(jobBytes),
    ...wordsOf(place),
  ])

/** From these bytes on, 0-based. */
export const followCommand = (place: RemotePlace, stdout: number, stderr: number): string =>
  inCleanShell(`${at} cd "$5" && . ./remote.sh && again "$6" "$7"`, [
    '0',
    ...wordsOf(place),
    String(stdout + 1),
    String(stderr + 1),
  ])

export const catCommand = ({ word, dir }: RemotePlace, file: string): string =>
  inCleanShell(String.raw`printf "\001%s begins\n" "$1"; cat "$2/$3"`, [word, dir, file])

const at = 'tag=$2; key=$3; word=$4;'
const wordsOf = ({ tag, key, word, dir }: RemotePlace): string[] => [tag, key, word, dir]

export interface RemotePlace {
  tag: string
  key: string
  /** Begins the last line of both streams; nobody can guess it. */
  word: string
  /** There. */
  dir: string
}

/** Names that a shell keeps for itself: setting one would end it. */
const ofTheShell = new Set([
  'PPID',
  'UID',
  'EUID',
  'BASHOPTS',
  'SHELLOPTS',
  'BASH_VERSINFO',
  '_',
  'OPTIND',
  'IFS',
  'LINENO',
])

export const unsettable = (env: Record<string, string>): string | undefined =>
  Object.keys(env).find((name) => ofTheShell.has(name))

/** The command and its environment; in memory of the shell that becomes it. `pathTail`: behind the PATH that is there. */
export function jobText(command: readonly string[], env: Record<string, string>, pathTail?: string): Buffer {
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${shellWord(value)}`)
  if (pathTail !== undefined) lines.push(`export PATH="$PATH":${shellWord(pathTail)}`)
  const program = `RUNYARD__PROGRAM=${shellWord(command[0]!)}`
  return Buffer.from([...lines, program, `set -- "$@" ${shellWords(command)}`, ''].join('\n'))
}

export interface RemoteLimits {
  hello: Pick<Hello, 'uid' | 'holder' | 'cgroups' | 'tools'>
  cwd: string
  cpu: number
  memoryBytes: number
  pids: number
  openFiles: number
  spoolBytes: number
}

/** Of the file `limits`. */
export function limitsText({ hello, cwd, cpu, memoryBytes, pids, openFiles, spoolBytes }: RemoteLimits): string {
  const [cgCpu = '', cgMemory = '', cgPids = '', cgCpuacct = ''] = hello.cgroups
  const words = {
    uid: hello.uid,
    holder: hello.holder,
    cg_cpu: cgCpu,
    cg_memory: cgMemory,
    cg_pids: cgPids,
    cg_cpuacct: cgCpuacct,
    resets: hello.tools.includes('resets') ? 'yes' : '',
    cwd,
    // Microseconds in each 100 ms.
    cpu: String(Math.max(1000, Math.round(cpu * 100_000))),
    memory: String(memoryBytes),
    pids: String(pids),
    files: String(openFiles),
    spool_blocks: String(Math.ceil(spoolBytes / 512)),
  }
  return Object.entries(words)
    .map(([name, value]) => `${name}=${shellWord(value)}\n`)
    .join('')
}

/**
 * The first process of a container whose image has a POSIX shell: it waits on its stdin for an order, so that a
 * container can be made ready before its job is known, and so that no secret is ever in the engine's records (K3). Then
 * it is the command's parent: the command is not PID 1, hence the default action of a signal holds for it; what it left
 * running is killed; its files are read as the job's own user; and what it used is told.
 *
 * On stderr it says three things in lines that begin with a mark which only this container's order has: `run` (or `no`
 * and why) before the command, `end` after it. The command is a foreground child: a background one of a shell has
 * SIGINT and SIGQUIT ignored for ever. SIGTERM comes from outside, to each (`contained.ts`).
 *
 * Beside it a watch kills everything when the lease in `/.runyard/lease` (seconds of /proc/uptime) is over: nobody is
 * there any more who renews it. The job could end that watch; then its container lasts until the next driver comes.
 */
import { filesScript } from './files-script.ts'
import { shellWord } from './quote.ts'

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Ours, inside. Read-only; a pipe can be written to all the same. */
export const ownPlace = '/.runyard'
/** This process, the watch, its `sleep`, and the shell that brings SIGTERM. */
export const ownProcesses = 4

export const wrapperScript = `IFS= read -r mark && [ -n "$mark" ] || exit 125
order= whole=
while IFS= read -r line; do
  if [ "$line" = "$mark" ]; then whole=1; break; fi
  order="$order$line
"
done
[ "$whole" ] || exit 125
exec </dev/null 4>&2 2>/dev/null
after() { :; }
watch() {
  trap '' TERM
  while sleep 5; do
    IFS=' .' read -r now rest </proc/uptime
    IFS= read -r until <${ownPlace}/lease || continue
    [ "$now" -lt "$until" ] || kill -KILL -1
  done
}
no() { printf '%s no %s\\n' "$mark" "$1" >&2; exit 127; }
find_program() {
  why='No such file or directory'
  case $1 in
    */*)
      [ -f "$1" ] && [ -x "$1" ] && return
      [ -e "$1" ] && why='Permission denied' ;;
    *)
      set -f
      IFS=:
      for dir in $2; do
        [ -f "\${dir:-.}/$1" ] || continue
        [ -x "\${dir:-.}/$1" ] && { unset IFS; set +f; return; }
        why='Permission denied'
      done ;;
  esac
  no "cannot run $1: $why"
}
number_in() {
  number=-
  while read -r name value; do
    case $name in $2) number=\${value:-$name}; return ;; esac
  done <"$1"
}
used() {
  cg=/sys/fs/cgroup
  if [ -r $cg/memory/memory.oom_control ]; then
    number_in $cg/memory/memory.oom_control oom_kill; oom=$number
    number_in $cg/memory/memory.max_usage_in_bytes '*'; peak=$number
    number_in $cg/cpuacct/cpuacct.usage '*'; cpu=$number
  elif [ -r $cg/memory.events ]; then
    number_in $cg/memory.events oom_kill; oom=$number
    number_in $cg/memory.peak '*'; peak=$number
    number_in $cg/cpu.stat usage_usec; cpu=\${number}000
  fi
}
${filesScript}
eval "$order"
order=
watch 4>&- &
(begin) 2>&4 4>&-
code=$?
kill -KILL -1
oom=- peak=- cpu=-
used
after
printf '%s end %s %s %s %s\\n' "$mark" "$code" "$oom" "$peak" "$cpu" >&4
exit "$code"
`

export interface WrappedOrder {
  mark: string
  /** In the container. */
  workingDir: string
  command: string[]
  /** Over what the image sets. */
  env: Record<string, string>
  /** Where programs are looked for; undefined: where the image says. */
  path: string | undefined
  /** Behind those. */
  pathAfter: string[]
  /** Path inside of the file for outputs; its directory is made. */
  output: string | null
  /** Shell source of what picks up files. */
  pickUp: string | null
}

/** Names that a shell keeps for itself; a program sets them. */
const ofTheShell = new Set([
  'UID',
  'EUID',
  'PPID',
  'GROUPS',
  'SHELLOPTS',
  'BASHOPTS',
  'BASH_VERSINFO',
  'OPTIND',
  '_',
  'path',
])

/** What is written to its stdin. */
export function encodeOrder({ mark, workingDir, command, env, path, pathAfter, output, pickUp }: WrappedOrder): string {
  const dir = output?.slice(0, output.lastIndexOf('/'))
  const own = Object.entries(env).filter(([name]) => name !== 'PATH' && !ofTheShell.has(name))
  const awkward = Object.entries(env).filter(([name]) => ofTheShell.has(name))
  const [program = '', ...rest] = command
  const through = awkward.length === 0 ? [] : ['env', ...awkward.map(([name, value]) => `${name}=${value}`)]
  const tail = pathAfter.map((dir) => `:${dir}`).join('')
  const lines = [
    'begin() {',
    `cd ${shellWord(workingDir)} 2>/dev/null || no ${shellWord(`cannot enter the working directory ${workingDir}`)}`,
    `path=${path === undefined ? `"\${PATH:-${defaultPath}}"` : shellWord(path)}${tail}`,
    `find_program ${shellWord(program)} "$path"`,
    ...(output ? [`mkdir -m 700 ${shellWord(dir!)} && : >${shellWord(output)}`] : []),
    `printf '%s run\\n' "$mark" >&2`,
    'export LANG="${LANG:-C.UTF-8}"',
    ...own.map(([name, value]) => `export ${name}=${shellWord(value)}`),
    'export PATH="$path"',
    `exec ${[...through, program, ...rest].map(shellWord).join(' ')}`,
    '}',
    ...(pickUp === null ? [] : [`after() {\n${pickUp}\n}`]),
  ]
  return [mark, ...lines, mark, ''].join('\n')
}

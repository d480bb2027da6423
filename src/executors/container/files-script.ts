/**
 * How a container's first process reads the files that its job leaves (outputs, reports, artefacts): as the job's own
 * user, inside, when everything else there is dead, so no link leads it to what the job could not read itself, and none
 * is exchanged under it (S7). In the words of a POSIX shell, since an image may have nothing else; `sandbox/pickup.ts`
 * says the same in Perl. What it writes are lines, and after `D n` n bytes; `files.ts` makes frames of them.
 */
import { outputLimits } from '../../job/outputs.ts'
import { reportBytes } from '../sandbox/pickup.ts'
import { shellWord } from './quote.ts'

/** As there. */
const most = { files: 1000, entries: 20_000, artifactEntries: 200_000, depth: 24 }

export const filesScript = `nl='
'
say() { printf '%s\\n' "$1" >&5; }
left_out() { say "F $1"; say "X $2"; }
size_of() {
  size=$(wc -c <"$1") && size=$((size + 0)) && return
  left_out "$1" 'it cannot be read'
  return 1
}
send() { say "F $1"; say "D $size"; cat <"$1" >&5; say E; room=$((room - size)); }
seen_before() {
  [ "$twice" ] || return 1
  case $seen in *"$nl$1$nl"*) return 0 ;; esac
  seen=$seen$1$nl
  return 1
}
take_report() {
  [ -d "$1" ] || seen_before "$1" && return
  found=1
  files=$((files - 1))
  [ "$files" -ge 0 ] || { say C; return; }
  [ -f "$1" ] || { left_out "$1" 'it is not a file'; return; }
  size_of "$1" || return
  if [ "$size" -le "$room" ]; then send "$1"; else say "F $1"; say C; fi
}
take_artifact() {
  seen_before "$1" && return
  if [ -d "$1" ] && ! [ -L "$1" ]; then look "$1/" "$2" '.**'; return; fi
  found=1
  if [ -L "$1" ]; then left_out "$1" 'it is a link'; return; fi
  [ -f "$1" ] || { left_out "$1" 'it is not a file'; return; }
  files=$((files - 1))
  if [ "$files" -lt 0 ]; then [ "$files" -lt -1 ] || say C; return; fi
  size_of "$1" || return
  if [ "$size" -le "$room" ]; then send "$1"
  else left_out "$1" "with $size bytes it is more than there is room for"; fi
}
look() {
  local at depth part path name pattern
  at=$1 depth=$2
  shift 2
  if [ $# -eq 0 ]; then $take "$at" "$depth"; return; fi
  [ "$depth" -le ${most.depth} ] && [ "$entries" -gt 0 ] || return 0
  part=$1
  shift
  case $part in
    =*)
      entries=$((entries - 1))
      path=$at\${part#=}
      [ -e "$path" ] || [ -L "$path" ] || return 0
      [ $# -eq 0 ] || path=$path/
      look "$path" $((depth + 1)) "$@"
      return ;;
    '**' | '.**') [ $# -eq 0 ] || look "$at" $((depth + 1)) "$@" ;;
  esac
  pattern=\${part#\\~}
  for path in "$at"* "$at".*; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    name=\${path#"$at"}
    case $name in
      . | ..) continue ;;
      .*) case $pattern in .*) ;; *) continue ;; esac ;;
    esac
    entries=$((entries - 1))
    [ "$entries" -ge 0 ] || return 0
    case $name in *"$nl"*) found=1; left_out "$at?" 'its name has a line break'; continue ;; esac
    case $part in
      '**' | '.**')
        if [ -d "$path" ] && ! [ -L "$path" ]; then look "$path/" $((depth + 1)) "$part" "$@"
        elif [ $# -eq 0 ]; then $take "$path" "$depth"; fi ;;
      *)
        case $name in
          $pattern)
            [ $# -eq 0 ] || path=$path/
            look "$path" $((depth + 1)) "$@" ;;
        esac ;;
    esac
  done
}
pick_up() {
  found=
  name=$1 root=$2
  shift 2
  look "$root" 0 "$@"
  [ "$found" ] || say "M $name"
}
over() { [ "$entries" -gt 0 ] || say C; say Z; }
`

export interface PickUp {
  workingDir: string
  output: string | null
  reports: readonly string[]
  artifacts: readonly string[]
  caps: { bytes: number; files: number }
}

/** The body of the function that the first process calls when the command has ended. */
export function pickUpScript({ workingDir, output, reports, artifacts, caps }: PickUp): string {
  const section = (name: string, take: string, room: number, files: number, entries: number): string[] => [
    `say 'S ${name}'`,
    `take=${take} room=${room} files=${files} entries=${entries} seen=$nl`,
  ]
  const twice = (paths: readonly string[]): string =>
    `twice=${paths.length > 1 || paths.some((path) => path.split('**').length > 2) ? 1 : ''}`
  return [
    'watch 4>&- &',
    `exec 5>/.runyard/files || return`,
    `cd ${shellWord(workingDir)}`,
    ...(output === null
      ? []
      : [
          ...section('output', 'take_report', outputLimits.fileBytes, 1, 1),
          `if [ -L ${shellWord(output)} ]; then left_out ${shellWord(output)} 'it is a link'; else take_report ${shellWord(output)}; fi`,
          'say Z',
        ]),
    ...(reports.length === 0
      ? []
      : [
          ...section('junit', 'take_report', reportBytes, most.files, most.entries),
          twice(reports),
          ...reports.map(pickUpCall),
          'over',
        ]),
    ...(artifacts.length === 0
      ? []
      : [
          ...section('artifacts', 'take_artifact', caps.bytes, caps.files, most.artifactEntries),
          twice(artifacts),
          ...artifacts.map(pickUpCall),
          'over',
        ]),
    'exec 5>&-',
    'kill -KILL -1',
  ].join('\n')
}

/** `=word` is a name as it is, `~pattern` one with `*` and `?`; `**` stays what it is. */
function pickUpCall(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const said = parts.map((part) => {
    if (part === '**') return part
    return /[*?]/.test(part) ? `~${part.replaceAll(/[^*?\w.-]/gu, '\\$&')}` : `=${part}`
  })
  return ['pick_up', ...[path, path.startsWith('/') ? '/' : '', ...said].map(shellWord)].join(' ')
}

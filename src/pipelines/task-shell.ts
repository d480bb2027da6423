/** One bash for all items of a task (docs/pipelines-shell.md): they travel in its environment, which is sealed at rest. */
import { pipelineLimits } from '../job/pipeline.ts'
import { AppError } from '../lib/app-error.ts'

/** Linux takes about 2 MiB of arguments and environment, and less than 128 KiB in one of them. */
export const taskShellLimits = {
  itemBytes: pipelineLimits.scriptBytes,
  allBytes: pipelineLimits.scriptBytes,
  items: pipelineLimits.scriptItems,
} as const
/** In UTF-16 units, of at most three bytes each. */
const pieceLength = 24 * 1024

/**
 * What runs between two items, all in one line: bash counts the lines of an item from the line of its `eval`. State is
 * in an array, for arrays are never exported; nothing is a function's body or a loop's, where `declare`, `return` and
 * `break` of an item would mean something else; nothing of it shows in a trace (`set -x`).
 */
const capture =
  '{ _runyard[last]=$?; case $- in *x*) _runyard[x]="set -x;";; *) _runyard[x]=;; esac; set +x; } 2>/dev/null'
const step = [
  'if [[ ${_runyard[how]} == exit ]]; then builtin trap "${_runyard[exit]}" EXIT; builtin trap "${_runyard[stop]}" TERM INT HUP; _runyard[pid]=$BASHPID; fi',
  // What a trap of the item leaves behind is the code of the item, unless the trap itself ended with `exit`.
  'if [[ ${_runyard[phase]} == item || ${_runyard[how]} == exit ]]; then _runyard[code]=${_runyard[last]}; fi',
  '_runyard[how]=on',
  'if [[ ${_runyard[phase]} == item && -n ${_runyard[trap]} ]]; then _runyard[phase]=trap; _runyard[text]=${_runyard[trap]}; _runyard[trap]=' +
    '; else if (( _runyard[first] == 0 )); then _runyard[first]=${_runyard[code]}; fi' +
    '; if (( _runyard[code] != 0 && _runyard[allow] == 0 || _runyard[next] >= _runyard[count] || _runyard[stopped] )); then builtin trap - EXIT; builtin exit "${_runyard[first]}"; fi' +
    '; _runyard[phase]=item; _runyard[text]=${_runyard_items[_runyard[next]]}; _runyard[next]=$((_runyard[next] + 1)); _runyard[code]=0' +
    '; builtin cd -- "${_runyard[dir]}" || { builtin trap - EXIT; builtin exit 1; }; set -- "${_runyard_args[@]}"; fi',
  // Both branches do the same: `$?` is the item's code for its trap, whatever `set -e` says.
  `if _runyard_code; then eval "\${_runyard[x]}\${_runyard[text]}"; ${capture}; else eval "\${_runyard[x]}\${_runyard[text]}"; ${capture}; fi`,
  'eval "${_runyard[step]}"',
].join('; ')

/** `exit`, or `set -e`: a shell that runs its EXIT trap cannot go on, but a fork of it knows all that it knew. */
const onExit = `${capture}; _runyard[how]=exit; ( eval "\${_runyard[step]}" ); builtin exit $?`

const start = [
  'declare -A _runyard=([how]=exit [phase]=none [trap]= [first]=0 [code]=0 [next]=0 [count]=0 [stopped]=0 [text]= [x]= [last]=0)',
  'declare -a _runyard_items=() _runyard_args=("$@")',
  '_runyard[dir]=$RUNYARD_TASK_DIRECTORY; _runyard[allow]=$RUNYARD_TASK_ALLOW_FAILURE',
  '_runyard[step]=$RUNYARD_TASK_STEP; _runyard[exit]=$RUNYARD_TASK_EXIT',
  "_runyard[stop]='_runyard[stopped]=1; builtin exit 143'",
]

const load =
  'for _runyard_n in $RUNYARD_TASK_PIECES; do _runyard_t=; for ((_runyard_p = 0; _runyard_p < _runyard_n; _runyard_p++)); do ' +
  '_runyard_v=RUNYARD_TASK_${_runyard[count]}_$_runyard_p; _runyard_t+=${!_runyard_v}; done; ' +
  '_runyard_items+=("$_runyard_t"); _runyard[count]=$((_runyard[count] + 1)); done; ' +
  'unset _runyard_n _runyard_p _runyard_t _runyard_v "${!RUNYARD_TASK@}"'

/** Kept for the end of its item; in a subshell of the item's own it is bash's trap as ever. */
const functions =
  '_runyard_code() { builtin return "${_runyard[code]}"; }; ' +
  'trap() { if [[ $BASHPID != "${_runyard[pid]}" || $# -lt 2 || $1 == -[lp]* ]]; then builtin trap "$@"; return; fi; ' +
  'local _runyard_a=("$@") _runyard_o=() _runyard_s; if [[ $1 == -- ]]; then _runyard_a=("${@:2}"); fi; ' +
  'for _runyard_s in "${_runyard_a[@]:1}"; do case ${_runyard_s^^} in EXIT|SIGEXIT|0) ' +
  'if [[ ${_runyard_a[0]} == - ]]; then _runyard[trap]=; else _runyard[trap]=${_runyard_a[0]}; fi;; ' +
  '*) _runyard_o+=("$_runyard_s");; esac; done; ' +
  'if (( ${#_runyard_o[@]} > 0 )); then builtin trap -- "${_runyard_a[0]}" "${_runyard_o[@]}"; fi; }'

const program = [...start, load, functions, 'builtin true', 'eval "${_runyard[step]}"'].join('; ')

/** What a task's job runs. Throws an `AppError` when the items do not fit. */
export function taskShell(
  items: readonly string[],
  how: { directory: string; allowFailure: boolean; args: readonly string[] },
): { command: string[]; env: Record<string, string> } {
  checkSize(items)
  const env: Record<string, string> = {
    RUNYARD_TASK: program,
    RUNYARD_TASK_STEP: step,
    RUNYARD_TASK_EXIT: onExit,
    RUNYARD_TASK_DIRECTORY: how.directory,
    RUNYARD_TASK_ALLOW_FAILURE: how.allowFailure ? '1' : '0',
  }
  const counts = items.map((item, i) => {
    const pieces = piecesOf(item)
    for (const [j, piece] of pieces.entries()) env[`RUNYARD_TASK_${i}_${j}`] = piece
    return pieces.length
  })
  env.RUNYARD_TASK_PIECES = counts.join(' ')
  return { command: ['bash', '-c', 'eval "$RUNYARD_TASK"', 'bash', ...how.args], env }
}

function checkSize(items: readonly string[]): void {
  const { itemBytes, allBytes, items: most } = taskShellLimits
  const refuse = (message: string): never => {
    throw new AppError('invalid_argument', message, { fields: [{ field: 'script', message }] })
  }
  if (items.length > most) refuse(`a script has at most ${most} items; this one has ${items.length}`)
  let all = 0
  for (const [i, item] of items.entries()) {
    const size = Buffer.byteLength(item)
    all += size
    if (size > itemBytes)
      refuse(`script item ${i + 1} has ${size} bytes, and at most ${itemBytes}: put data into a file`)
    if (item.includes('\0')) refuse(`script item ${i + 1} contains a NUL character`)
  }
  if (all > allBytes) refuse(`all items of a script have at most ${allBytes} bytes together; these have ${all}`)
}

function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + pieceLength, text.length)
    // Never between the halves of one character.
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1]!)) end--
    pieces.push(text.slice(at, end))
    at = end
  }
  return pieces
}

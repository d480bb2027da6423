# The helpers of a script that runs as an event: `source runyard.sh`. What each does: docs/helpers.md; how they ask:
# PROTOCOL.md. Bash 4 and later, and one of curl, perl, python3 and node; without any of them files do what they can.
# shellcheck shell=bash

_runyard_here=${BASH_SOURCE[0]%/*}

_runyard_fail() {
  printf 'runyard: %s\n' "$*" >&2
  return 1
}

# curl, perl, python3, node or files.
_runyard_way() {
  local way
  if [[ -n ${RUNYARD_HELPER_WAY-} ]]; then
    printf %s "$RUNYARD_HELPER_WAY"
    return
  fi
  for way in curl perl python3 node; do
    if type -P "$way" >/dev/null; then
      printf %s "$way"
      return
    fi
  done
  printf files
}

_runyard_by_files() { [[ $(_runyard_way) == files ]]; }

_runyard_place() {
  local place=${RUNYARD_SOCKET:-${CRONIUM_RUNTIME_API-}}
  place=${place#unix:}
  printf %s "${place#//}"
}

# One try: METHOD PATH DIR BODY [HEADER …]. BODY: `-` this function's input, `@FILE`, or nothing. The answer's head goes to
# DIR/head, its body to the output, or to DIR/error when it is a refusal.
_runyard_try() {
  local way
  way=$(_runyard_way)
  case $way in
    curl) _runyard_curl "$@" ;;
    perl) perl "$_runyard_here/ask.pl" "$(_runyard_place)" "$@" ;;
    python3) python3 "$_runyard_here/ask.py" "$(_runyard_place)" "$@" ;;
    node) node "$_runyard_here/ask.cjs" "$(_runyard_place)" "$@" ;;
  esac
}

_runyard_curl() {
  local method=$1 path=$2 dir=$3 body=$4 header args
  shift 4
  args=(-sS -N --globoff --unix-socket "$(_runyard_place)" -X "$method" -D "$dir/head" -H 'Expect:')
  for header; do args+=(-H "$header"); done
  case $body in
    -) args+=(-T -) ;;
    @*) args+=(-T "${body#@}") ;;
  esac
  if [[ $path != /v1/input ]]; then
    _runyard_curl_run -o "$dir/answer" "${args[@]}" "http://runyard$path" || return
    local status after
    _runyard_read_head "$dir/head"
    if [[ $status == [345]* ]]; then
      mv "$dir/answer" "$dir/error"
    elif [[ -s $dir/answer ]]; then
      cat "$dir/answer"
    fi
    return 0
  fi
  # As long as it may be, hence never in a file. 22: refused; what it said is asked for once more.
  local code=0
  _runyard_curl_run -f "${args[@]}" "http://runyard$path" || code=$?
  [[ $code -eq 22 ]] || return "$code"
  _runyard_curl_run "${args[@]}" "http://runyard$path" >"$dir/error"
}

# The token comes by a pipe: others can read a command line.
_runyard_curl_run() {
  curl -q --noproxy "*" --config <(printf 'header = "Authorization: Bearer %s"\n' "${RUNYARD_TOKEN:-${CRONIUM_EXECUTION_TOKEN-}}") "$@"
}

# METHOD PATH BODY [HEADER …] until it is answered. BODY as above, or `=TEXT`.
_runyard_ask() {
  local dir code=0
  [[ -n $(_runyard_place) && -n ${RUNYARD_TOKEN:-${CRONIUM_EXECUTION_TOKEN-}} ]] ||
    _runyard_fail 'RUNYARD_SOCKET or RUNYARD_TOKEN is not set, so nothing can be asked of Runyard:' \
      'run this script as an event, or by "runyard run --helpers"' || return
  dir=$(mktemp -d "${TMPDIR:-/tmp}/runyard-ask.XXXXXX") || return
  _runyard_until_answered "$dir" "$@" || code=$?
  rm -rf "$dir"
  return "$code"
}

_runyard_until_answered() {
  local dir=$1 method=$2 path=$3 body=$4 begun=$SECONDS pause=50 status after code message
  shift 4
  if [[ $body == =* ]]; then
    printf %s "${body#=}" >"$dir/sent"
    body=@$dir/sent
  fi
  while :; do
    code=0
    : >"$dir/head"
    rm -f "$dir/error" "$dir/answer"
    _runyard_try "$method" "$path" "$dir" "$body" "$@" 2>"$dir/trouble" || code=$?
    _runyard_read_head "$dir/head"
    if [[ $code -eq 0 && $status == 2* ]]; then return 0; fi
    case ${status:-gone} in
      gone) message="its runner does not answer at $(_runyard_place): $(head -c 300 "$dir/trouble")" ;;
      2*)
        _runyard_fail "the answer broke off: $(head -c 300 "$dir/trouble")"
        return
        ;;
      *)
        message="HTTP $status"
        [[ -s $dir/error ]] && message=$(sed -n 's/.*"message": *"\(\(\\.\|[^"\\]\)*\)".*/\1/p' "$dir/error" | sed 's/\\\(["\\\/]\)/\1/g')
        ;;
    esac
    case ${status:-gone} in
      gone | 503 | 504) ;;
      404) if [[ -n ${may_miss-} ]]; then return 4; else break; fi ;;
      429) [[ -n $after ]] || break ;;
      *) break ;;
    esac
    after=$(_runyard_ms "${after:-0}")
    ((after <= pause)) || pause=$after
    if [[ $body == - ]] || ((SECONDS - begun + pause / 1000 >= ${RUNYARD_HELPER_PATIENCE_SECONDS:-60})); then break; fi
    sleep "$((pause / 1000)).$(printf %03d $((pause % 1000)))"
    pause=$((pause * 2 > 2000 ? 2000 : pause * 2))
  done
  _runyard_fail "$message"
}

# The answer's head in FILE into `status` and `after`. The last one, since one of 100 may be before it.
_runyard_read_head() {
  local line
  status='' after=''
  while IFS= read -r line; do
    if [[ $line =~ ^HTTP/[0-9.]+\ ([0-9]+) ]]; then
      status=${BASH_REMATCH[1]} after=''
    elif [[ $line =~ ^[Rr]etry-[Aa]fter:\ *([0-9.]+) ]]; then
      after=${BASH_REMATCH[1]}
    fi
  done <"$1"
}

# Seconds, which may have a fraction, as milliseconds.
_runyard_ms() {
  local fraction=000
  [[ $1 != *.* ]] || fraction=${1#*.}000
  printf %d $((10#0${1%%.*} * 1000 + 10#${fraction:0:3}))
}

# A text as JSON has it.
_runyard_json() {
  local text=$1 code from to
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  if [[ $text == *[$'\001'-$'\037']* ]]; then
    for code in {1..31}; do
      printf -v to '\\u%04x' "$code"
      printf -v from '%b' "\\x${to: -2}"
      text=${text//"$from"/"$to"}
    done
  fi
  printf '"%s"' "$text"
}

# Everything but A-Z a-z 0-9 _ . ~ - as %XX.
_runyard_path() {
  local LC_ALL=C text=$1 at one
  printf '/v1/variables/'
  for ((at = 0; at < ${#text}; at++)); do
    one=${text:at:1}
    case $one in
      [A-Za-z0-9_.~-]) printf %s "$one" ;;
      *) printf '%%%02X' "'$one" ;;
    esac
  done
}

_runyard_key() {
  local key
  read -r key </proc/sys/kernel/random/uuid 2>/dev/null || key=$$-$RANDOM-$RANDOM-$RANDOM-$SECONDS
  printf 'Idempotency-Key: %s' "$key"
}

_runyard_call() {
  local method=$1 path=$2 body=$3
  shift 3
  _runyard_ask "$method" "$path" "${body:+=$body}" ${body:+'Content-Type: application/json'} "$@"
}

_runyard_named() {
  [[ -n ${1-} ]] || _runyard_fail 'name: must be a text that is not empty'
}

# FIELD VALUE: refused here, since a body that is no JSON does not tell which field it was.
_runyard_number() {
  [[ $2 =~ ^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$ ]] || _runyard_fail "$1: must be a number, not $2"
}

# NAME TEXT into the file of small results, for the end of the attempt.
_runyard_file() {
  [[ -n ${RUNYARD_OUTPUT-} ]] || _runyard_fail 'RUNYARD_OUTPUT is not set: run this script as an event' || return
  local mark=end_${RANDOM}_${RANDOM}_$RANDOM
  printf '%s<<%s\n%s\n%s\n' "$1" "$mark" "$2" "$mark" >>"$RUNYARD_OUTPUT"
}

_runyard_needs_socket() {
  _runyard_by_files || return 0
  _runyard_fail "$1 needs curl, perl, python3 or node, and none of them is here"
}

# The input as it is, on the output; nothing when there is none.
runyard_input() {
  if _runyard_by_files; then
    [[ ! -e ${RUNYARD_DIR:-/runyard}/input ]] || cat "${RUNYARD_DIR:-/runyard}/input"
  else
    _runyard_ask GET /v1/input ''
  fi
}
runyard_input_stream() { runyard_input; }

# FILE; 1 when there is no input.
runyard_input_file() {
  if [[ $(runyard_event) == *'"input":null'* ]]; then
    _runyard_fail 'this run has no input'
    return
  fi
  runyard_input >"$1"
}

# TEXT [TYPE]; without TEXT the output is what comes in.
runyard_output() {
  if [[ $# -eq 0 ]]; then runyard_output_stream; return; fi
  if _runyard_by_files; then
    _runyard_file runyard.output "$1"
  else
    _runyard_ask PUT /v1/output "=$1" "Content-Type:${2:+ $2}"
  fi
}

# [TYPE], from what comes in.
runyard_output_stream() {
  _runyard_needs_socket runyard_output_stream && runyard_health >/dev/null &&
    _runyard_ask PUT /v1/output - "Content-Type: ${1:-application/octet-stream}"
}

# FILE [TYPE]
runyard_output_file() {
  _runyard_needs_socket runyard_output_file || return
  [[ -r $1 ]] || _runyard_fail "$1 cannot be read" || return
  _runyard_ask PUT /v1/output "@$1" "Content-Type: ${2:-application/octet-stream}"
}

runyard_health() { _runyard_call GET /v1/health ''; }

# NAME [MISSING]: a text as it is, all else as JSON. Shells have no null: what is not there is nothing, or MISSING.
runyard_get_variable() {
  _runyard_needs_socket runyard_get_variable || return
  _runyard_named "${1-}" || return
  local may_miss=1 code=0
  _runyard_call GET "$(_runyard_path "$1")" '' 'Accept: text/plain' || code=$?
  [[ $code -eq 4 ]] || return "$code"
  printf %s "${2-}"
}

runyard_variable_exists() {
  _runyard_needs_socket runyard_variable_exists && _runyard_named "${1-}" || return
  local answer
  answer=$(_runyard_call GET "$(_runyard_path "$1")" '') || return
  [[ $answer == *'"exists":true'* ]]
}

# [--json] [--scope SCOPE] NAME VALUE: a text, or with --json any JSON.
runyard_set_variable() {
  local as_json scope words
  _runyard_words "$@"
  set -- "${words[@]}"
  _runyard_named "${1-}" || return
  if _runyard_by_files; then
    [[ -z $scope ]] || _runyard_needs_socket 'a scope' || return
    _runyard_file "runyard.variable.$1" "$2"
  else
    local value=$2
    local json='^[[:space:]]*(true|false|null|-?[0-9].*|["{[].*)[[:space:]]*$'
    if [[ -z $as_json ]]; then
      value=$(_runyard_json "$2")
    elif [[ ! $value =~ $json ]]; then
      _runyard_fail "value: is no JSON; a text goes without --json" || return
    fi
    _runyard_call PUT "$(_runyard_path "$1")" "{\"value\":$value$(_runyard_scope)}" >/dev/null
  fi
}

# [--scope SCOPE] NAME; 1 when there was none.
runyard_delete_variable() {
  _runyard_needs_socket runyard_delete_variable || return
  local as_json scope words answer
  _runyard_words "$@"
  _runyard_named "${words[0]-}" || return
  answer=$(_runyard_call DELETE "$(_runyard_path "${words[0]}")${scope:+?scope=$scope}" '' "$(_runyard_key)") || return
  [[ $answer == *true* ]]
}

# [--scope SCOPE] NAME [BY]: the new value on the output.
runyard_increment_variable() {
  _runyard_needs_socket runyard_increment_variable || return
  local as_json scope words
  _runyard_words "$@"
  _runyard_named "${words[0]-}" && _runyard_number by "${words[1]:-1}" || return
  _runyard_change "${words[0]}/increment" "{\"by\":${words[1]:-1}$(_runyard_scope)}"
}

# [--scope SCOPE] NAME TEXT: the new value on the output.
runyard_append_variable() {
  _runyard_needs_socket runyard_append_variable || return
  local as_json scope words
  _runyard_words "$@"
  _runyard_named "${words[0]-}" || return
  _runyard_change "${words[0]}/append" "{\"text\":$(_runyard_json "${words[1]}")$(_runyard_scope)}"
}

_runyard_change() {
  _runyard_call POST "$(_runyard_path "${1%/*}")/${1##*/}" "$2" 'Accept: text/plain' "$(_runyard_key)"
}

# Options into `as_json` and `scope`, all behind them into `words`, which its caller has.
_runyard_words() {
  as_json='' scope='' words=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      --json) as_json=1 ;;
      --scope)
        scope=${2-}
        shift
        ;;
      *) break ;;
    esac
    shift
  done
  words=("$@")
}

_runyard_scope() { [[ -z $scope ]] || printf ',"scope":%s' "$(_runyard_json "$scope")"; }

# As JSON.
runyard_list_variables() {
  _runyard_needs_socket runyard_list_variables && _runyard_call GET /v1/variables ''
}

# true or false
runyard_set_condition() {
  local value=${1-true}
  case $value in
    true | false) ;;
    *) _runyard_fail "value: a condition is true or false, not \"$value\"" || return ;;
  esac
  if _runyard_by_files; then
    printf 'runyard.condition=%s\n' "$value" >>"${RUNYARD_OUTPUT:?}"
  else
    _runyard_call POST /v1/condition "{\"value\":$value}" >/dev/null
  fi
}

# As JSON.
runyard_event() {
  if _runyard_by_files; then
    cat "${RUNYARD_DIR:-/runyard}/event.json"
  else
    _runyard_call GET /v1/event ''
  fi
}

# NAME, of one that is text or a number: id, name, run_id, job_id, attempt …
runyard_event_field() {
  local all pattern="\"$1\":[[:space:]]*(\"([^\"\\\\]*)\"|[^,}\"]+)"
  all=$(runyard_event) || return
  [[ $all =~ $pattern ]] || _runyard_fail "the event has no field $1" || return
  if [[ ${BASH_REMATCH[1]} == \"* ]]; then printf %s "${BASH_REMATCH[2]}"; else printf %s "${BASH_REMATCH[1]}"; fi
}

# PERCENT [TEXT]; PERCENT may be empty.
runyard_progress() {
  [[ -z ${1-} ]] || _runyard_number percent "$1" || return
  _runyard_by_files && return 0
  local params=${1:+\"percent\":$1}
  [[ $# -lt 2 ]] || params+=${params:+,}\"text\":$(_runyard_json "$2")
  _runyard_call POST /v1/progress "{$params}" >/dev/null
}

# [--json] CHANNEL TEXT [ACTION]: the id of the delivery on the output. With --json TEXT is the input of the action.
runyard_send_message() {
  _runyard_needs_socket runyard_send_message || return
  local input
  if [[ $1 == --json ]]; then
    shift
    input=$2
  else
    input="{\"text\":$(_runyard_json "$2")}"
  fi
  local params answer
  params="{\"channel\":$(_runyard_json "$1"),\"input\":$input"
  [[ -z ${3-} ]] || params+=",\"action\":$(_runyard_json "$3")"
  answer=$(_runyard_call POST /v1/messages "$params}" "$(_runyard_key)") || return
  answer=${answer#*'"delivery_id":"'}
  printf '%s\n' "${answer%%'"'*}"
}

# CHANNEL ACTION INPUT, which is JSON.
runyard_execute_tool_action() { runyard_send_message --json "$1" "${3:-{\}}" "$2"; }

# Each as runyard_get_variable, runyard_getVariable, cronium_get_variable and cronium_getVariable.
_runyard_names() {
  local snake camel rest
  for snake in input input_stream input_file output output_stream output_file get_variable set_variable \
    variable_exists delete_variable increment_variable append_variable list_variables set_condition event event_field \
    progress send_message execute_tool_action; do
    camel=${snake%%_*}
    rest=${snake#"$camel"}
    while [[ $rest == _* ]]; do
      rest=${rest#_}
      local word=${rest%%_*}
      camel+=${word^}
      rest=${rest#"$word"}
    done
    eval "cronium_$snake() { runyard_$snake \"\$@\"; }"
    [[ $camel == "$snake" ]] || eval "cronium_$camel() { runyard_$snake \"\$@\"; }; runyard_$camel() { runyard_$snake \"\$@\"; }"
  done
  for camel in send_email sendEmail send_slack_message sendSlackMessage send_discord_message sendDiscordMessage; do
    eval "runyard_$camel() { runyard_send_message \"\$@\"; }; cronium_$camel() { runyard_send_message \"\$@\"; }"
  done
}
_runyard_names

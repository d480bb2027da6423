# As driver.cjs; texts come out as they are, and every other value as JSON.
source cronium.sh

# A JSON text as the text itself, as far as the cases need it.
unquoted() {
  local text=${1#\"}
  text=${text%\"}
  text=${text//'\n'/$'\n'}
  text=${text//'\t'/$'\t'}
  text=${text//'\"'/\"}
  printf %s "${text//'\\'/\\}"
}
truth() { if "$@"; then printf true; else printf false; fi; }
increments() {
  local i
  for ((i = 0; i < $2; i++)); do cronium_incrementVariable "$1" >/dev/null & ((i % 5 < 4)) || wait; done
  wait
}

doit() {
  case $1 in
    get) cronium_getVariable "$2" ;;
    exists) truth cronium_variableExists "$2" ;;
    set) if [[ $3 == \"* ]]; then cronium_setVariable "$2" "$(unquoted "$3")"; else cronium_set_variable --json "$2" "$3"; fi ;;
    delete) truth cronium_deleteVariable "$2" ;;
    increment) cronium_increment_variable "$2" "$3" ;;
    scoped)
      cronium_setVariable --scope global "$2" a && cronium_append_variable --scope global "$2" b >/dev/null &&
        truth cronium_deleteVariable --scope global "$2"
      ;;
    increments) increments "$2" "$3" ;;
    append) cronium_appendVariable "$2" "$(unquoted "$3")" ;;
    unnamed) cronium_setVariable "" 1 ;;
    no_json) cronium_setVariable --json n noon ;;
    nan) cronium_increment_variable n NaN ;;
    names) cronium_listVariables | grep -o '"name":"[^"]*"' | cut -d'"' -f4 | paste -sd, ;;
    condition) cronium_setCondition "$2" ;;
    event) cronium_event ;;
    progress) cronium_progress "$2" "$(unquoted "$3")" ;;
    send) cronium_sendMessage "$2" "$(unquoted "$3")" ;;
    input) cronium_input ;;
    output) cronium_output "$2" ;;
    echo) cronium_output "$(cronium_input)" ;;
    input_file) cronium_input_file "$2" ;;
    output_file) cronium_output_file "$2" ;;
    pipe) cronium_input | cronium_output ;;
  esac
}

while IFS=$'\t' read -r operation first second; do
  kept=$(mktemp)
  told=ok
  doit "$operation" "$first" "$second" >"$kept" 2>"$kept.error" </dev/null || { told=error && mv "$kept.error" "$kept"; }
  printf '%s\t%s\n' "$told" "$(base64 -w0 "$kept")"
  rm -f "$kept" "$kept.error"
done

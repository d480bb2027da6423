# What runs on the host: POSIX sh, for dash, bash and busybox alike; Perl only reads the files that a job leaves. The same
# text is the ear of a connection (`ear`: one line asks, one line answers) and the parent of an attempt (`begin`).
#
# An attempt has a directory, closed to others, `<base>/<tag>/<key>`:
#   lease   until when it may run, seconds of the host's own clock since boot; passed, everything of it is killed there
#   out err what it printed, then a last line with the attempt's word and how it ended: nothing can be taken for a
#           complete log that is none
#   job     process id of the command, which leads a session of its own; cgs  its cgroups
#   begun   made by whoever comes first: the attempt that begins, or the one who gives it up
#
# Its secrets are in none of these: they come by stdin into a variable of the shell that becomes the command.
umask 077
now() { if [ -r /proc/uptime ]; then read -r now _ < /proc/uptime; now=${now%%.*}; else now=$(date +%s); fi; }
has() { command -v "$1" > /dev/null 2>&1; }
nap() { sleep 0.05 2> /dev/null || sleep 1; }

find_base() {
  uid=$(id -u)
  for at in /tmp "$HOME"; do
    base=$at/.runyard-$uid
    mkdir "$base" 2> /dev/null
    if [ -d "$base" ] && [ ! -L "$base" ] && [ -O "$base" ] && chmod 700 "$base" && mkdir -p "$base/$tag"; then return 0; fi
  done 2> /dev/null
  return 1
}

may_make() { mkdir "$1/runyard-$tag.probe$$" 2> /dev/null && rmdir "$1/runyard-$tag.probe$$"; }
find_cgroups() {
  cg_cpu= cg_memory= cg_pids= cg_cpuacct= cg_v2=
  [ -r /proc/mounts ] || return 0
  while read -r _ at type options _; do
    case $type in
    cgroup) for c in cpu memory pids cpuacct; do
        case ,$options, in *,$c,*) may_make "$at" && eval "cg_$c=\$at" ;; esac
      done ;;
    cgroup2) cg_v2=$at ;;
    esac
  done < /proc/mounts
  [ -n "$cg_v2" ] && may_make "$cg_v2" || return 0
  for c in cpu memory pids; do
    eval "[ -z \"\$cg_$c\" ]" || continue
    case " $(cat "$cg_v2/cgroup.subtree_control") " in
    *" $c "*) eval "cg_$c=\$cg_v2" ;;
    *) case " $(cat "$cg_v2/cgroup.controllers") " in
      *" $c "*) { echo "+$c" > "$cg_v2/cgroup.subtree_control"; } 2> /dev/null && eval "cg_$c=\$cg_v2" ;;
      esac ;;
    esac
  done
}

find_holder() {
  holder=none held=
  if [ -d /run/systemd/system ] && has systemd-run; then
    if [ "$uid" = 0 ]; then holder=systemd held=cpu,memory,pids; return; fi
    XDG_RUNTIME_DIR=/run/user/$uid
    if [ -S "$XDG_RUNTIME_DIR/bus" ]; then
      for c in $(cat "/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service/cgroup.controllers" 2> /dev/null); do
        case $c in cpu | memory | pids) held=$held,$c ;; esac
      done
      held=${held#,}
      [ -n "$held" ] && holder=systemd-user && return
    fi
  fi
  find_cgroups
  for c in cpu memory pids; do eval "[ -n \"\$cg_$c\" ]" && held=$held,$c; done
  held=${held#,}
  [ -z "$held" ] || holder=cgroup
}

put() { echo "$2" 2> /dev/null > "$1"; }
make_cgroups() {
  cgs=
  name=runyard-$tag.$key
  for c in cpu memory pids cpuacct; do
    eval "at=\$cg_$c"
    [ -n "$at" ] || continue
    case " $cgs " in *" $at/$name "*) ;; *)
      mkdir "$at/$name" 2> /dev/null || [ -d "$at/$name" ] || return 1
      cgs="$cgs $at/$name" ;;
    esac
  done
  if [ -n "$cg_cpu" ]; then
    if [ -e "$cg_cpu/$name/cpu.max" ]; then put "$cg_cpu/$name/cpu.max" "$cpu 100000"
    else put "$cg_cpu/$name/cpu.cfs_period_us" 100000 && put "$cg_cpu/$name/cpu.cfs_quota_us" "$cpu"; fi || return 1
  fi
  if [ -n "$cg_memory" ]; then
    at=$cg_memory/$name
    if [ -e "$at/memory.max" ]; then
      put "$at/memory.max" "$memory" || return 1
      [ -e "$at/memory.swap.max" ] && put "$at/memory.swap.max" 0
      [ -e "$at/memory.oom.group" ] && put "$at/memory.oom.group" 1
    else
      put "$at/memory.limit_in_bytes" "$memory" || return 1
      [ -e "$at/memory.memsw.limit_in_bytes" ] && put "$at/memory.memsw.limit_in_bytes" "$memory"
    fi
  fi
  if [ -n "$cg_pids" ]; then put "$cg_pids/$name/pids.max" "$pids" || return 1; fi
  echo "$cgs" > cgs
}
read_usage() {
  peak= cpu_ms= ooms=0
  for at in $cgs; do
    for f in memory.peak memory.max_usage_in_bytes; do [ -r "$at/$f" ] && read -r peak < "$at/$f"; done
    for f in memory.events memory.oom_control; do
      [ -r "$at/$f" ] && while read -r k n; do [ "$k" = oom_kill ] && ooms=$n; done < "$at/$f"
    done
    [ -r "$at/cpuacct.usage" ] && read -r n < "$at/cpuacct.usage" && cpu_ms=$((n / 1000000))
    [ -r "$at/cpu.stat" ] && while read -r k n; do [ "$k" = usage_usec ] && cpu_ms=$((n / 1000)); done < "$at/cpu.stat"
  done
}
remove_cgroups() {
  for at in $cgs; do
    [ -d "$at" ] || continue
    i=0
    until rmdir "$at" 2> /dev/null || [ ! -d "$at" ] || [ $i -ge 40 ]; do i=$((i + 1)); nap; done
  done
}

# Live processes of the attempt, its own parent not among them.
list_tree() {
  tree=
  if [ -n "$cgs" ]; then
    for at in $cgs; do
      [ -r "$at/cgroup.procs" ] || continue
      while read -r p; do is_alive "$p" && case " $tree " in *" $p "*) ;; *) tree="$tree $p" ;; esac; done < "$at/cgroup.procs"
    done
    # At the very start it is not in them yet.
    [ -n "$job" ] && is_ours "$job" && case " $tree " in *" $job "*) ;; *) tree="$tree $job" ;; esac
    return
  fi
  for d in /proc/[0-9]*; do
    { read -r line < "$d/stat"; } 2> /dev/null || continue
    p=${d#/proc/}
    set -- ${line##*) }
    case $1 in Z | X) continue ;; esac
    if { [ "$p" = "$job" ] && is_ours "$p"; } || [ "$3" = "$job" ] || [ "$4" = "$job" ] || carries_mark "$p"; then tree="$tree $p"; fi
  done 2> /dev/null
}
# A number that was noted is somebody else's soon after: on a busy host within seconds. Our shells are told by the words that
# they were started with.
is_ours() { case $(tr '\0' ' ' 2> /dev/null < "/proc/$1/cmdline") in *" $tag $key "*) ;; *) return 1 ;; esac; }
end_ours() {
  { read -r p < "$1"; } 2> /dev/null && is_ours "$p" && kill "$p" 2> /dev/null
}
is_alive() {
  { read -r line < "/proc/$1/stat"; } 2> /dev/null || return 1
  line=${line##*) }
  case $line in Z* | X*) return 1 ;; esac
}
# busybox's grep stops at a NUL.
greps_nul=
carries_mark() {
  [ -r "/proc/$1/environ" ] || return 1
  [ -n "$greps_nul" ] || { printf 'a\0b' | grep -q b 2> /dev/null && greps_nul=yes || greps_nul=no; }
  if [ $greps_nul = yes ]; then grep -qF "RUNYARD_MARK=$tag.$key." "/proc/$1/environ" 2> /dev/null
  else tr '\0' '\n' 2> /dev/null < "/proc/$1/environ" | grep -qF "RUNYARD_MARK=$tag.$key."; fi
}
kill_all() {
  rounds=0
  while :; do
    for at in $cgs; do [ -e "$at/cgroup.kill" ] && put "$at/cgroup.kill" 1; done
    list_tree
    [ -z "$tree" ] && remaining=0 && return
    kill -KILL $tree 2> /dev/null
    for at in $cgs; do [ -e "$at/freezer.state" ] && put "$at/freezer.state" THAWED; done
    rounds=$((rounds + 1))
    [ $rounds -gt 60 ] && break
    [ $rounds -gt 1 ] && nap
  done
  list_tree
  set -- $tree
  remaining=$#
}

say_end() {
  out_size=$(($(wc -c < out))) err_size=$(($(wc -c < err)))
  line="$word out=$out_size err=$err_size code=$code remaining=$remaining ooms=$ooms peak=$peak cpu=$cpu_ms by=$by ended=$(date +%s) report=$report"
  echo "$line" > status.new && mv status.new status
  printf '\001%s\n' "$line" >> err
  printf '\001%s\n' "$line" >> out
}

# From where the job's own variables are set, all names are RUNYARD__: a job's own begin with none of ours.
runnable() {
  case $1 in
  */*)
    RUNYARD__WHY="$1: no such file"
    [ -e "$1" ] || return 1
    RUNYARD__WHY="$1: not executable"
    [ -f "$1" ] && [ -x "$1" ] ;;
  *)
    RUNYARD__WHY="$1: not found in $PATH" RUNYARD__IFS=$IFS
    IFS=:
    for RUNYARD__AT in $PATH; do
      [ -f "${RUNYARD__AT:-.}/$1" ] && [ -x "${RUNYARD__AT:-.}/$1" ] && IFS=$RUNYARD__IFS && return 0
    done
    IFS=$RUNYARD__IFS
    return 1 ;;
  esac
}
refuse() { echo "$1 $2" > "$RUNYARD__DIR/refused"; exit 126; }
become() {
  exec < /dev/null > out.pipe 2> err.pipe
  trap - HUP
  RUNYARD__DIR=$dir
  if [ "$holder" = cgroup ]; then
    for at in $cgs; do put "$at/cgroup.procs" 0 || refuse refused "cannot be put into its cgroup $at"; done
  fi
  ulimit -c 0
  ulimit -n "$files" 2> /dev/null || refuse refused "cannot open as many as $files files"
  set --
  if has setsid; then set -- setsid; fi
  # Of what is started in the background a shell ignores these.
  if [ -n "$resets" ]; then set -- "$@" env --default-signal=INT,QUIT --; fi
  [ $# -gt 0 ] && program=$(command -v "$1") && shift && set -- "$program" "$@"
  case $holder in systemd*)
    user=--system
    if [ "$holder" = systemd-user ]; then
      user=--user
      export XDG_RUNTIME_DIR="/run/user/$uid"
    fi
    set -- "$(command -v systemd-run)" $user --scope --quiet --collect --unit="runyard-$tag.$key" \
      -p "CPUQuota=$((cpu / 1000))%" -p "MemoryMax=$memory" -p MemorySwapMax=0 -p "TasksMax=$((pids + 1))" \
      "$@" /bin/sh -c "$in_scope" "$dir" ;;
  esac
  cd "$cwd" 2> /dev/null || refuse start "its working directory cannot be entered: $cwd"
  unset OLDPWD
  eval "$RUNYARD__SECRETS"
  unset RUNYARD__SECRETS
  runnable "$RUNYARD__PROGRAM" || refuse start "$RUNYARD__WHY"
  exec "$@"
}
# Inside a scope, which is gone with its last process: what it used is read before.
in_scope='while IFS=: read -r _ c p; do case $c in "") echo "/sys/fs/cgroup$p" ;; esac; done < /proc/self/cgroup > "$0/cgs"
"$@" & wait $!
code=$?
read -r at < "$0/cgs"
for f in memory.peak memory.events cpu.stat; do cat "$at/$f" > "$0/scope.$f"; done 2> /dev/null
exit $code'

spool() { (ulimit -f "$spool_blocks"; exec cat >> "$1"); }
keep() {
  trap '' HUP
  { spool out; cat > /dev/null; } < out.pipe & out_pid=$!
  { spool err; cat > /dev/null; } < err.pipe & err_pid=$!
  become & job=$!
  echo $job > job
  watch & watch_pid=$!
  wait $job
  code=$?
  times > times
  { read -r _ && read -r user system; } < times
  is_ours $watch_pid && kill $watch_pid 2> /dev/null
  [ "$holder" != cgroup ] && [ -r cgs ] && read -r cgs < cgs
  read_usage
  : "${cpu_ms:=$(($(ms "$user") + $(ms "$system")))}"
  if [ -r scope.memory.events ]; then
    while read -r k n; do [ "$k" = oom_kill ] && ooms=$n; done < scope.memory.events
    [ -r scope.memory.peak ] && read -r peak < scope.memory.peak
    while read -r k n; do [ "$k" = usage_usec ] && cpu_ms=$((n / 1000)); done < scope.cpu.stat
  fi
  kill_all
  [ $remaining = 0 ] && remove_cgroups
  i=0
  while is_ours $out_pid || is_ours $err_pid; do
    i=$((i + 1))
    # Somebody who got away holds it open.
    [ $i -gt 100 ] && for p in $out_pid $err_pid; do is_ours $p && kill $(cat "/proc/$p/task/$p/children") $p; done 2> /dev/null
    nap
  done
  by=; [ -r by ] && read -r by < by
  report=none
  if [ -r refused ]; then by=refused
  elif [ -r pickup.pl ]; then
    report=trouble
    if has perl; then
      (cd "$cwd" && exec perl -e "$(cat "$dir/pickup.pl")" 3 4 5 3< "$dir/order" 4>> "$dir/report" 5> "$dir/pickup.status") > /dev/null 2>&1 && report=$(($(wc -c < report)))
    fi
  fi
  say_end
  # Whoever it was for is gone when nobody clears it away within an hour.
  i=0
  while [ -d "$dir" ] && [ $i -lt 360 ]; do
    if [ $i -lt 10 ]; then sleep 1; else sleep 10; fi
    i=$((i + 1))
  done
  end_ours follow
  rm -rf "$dir"
}
# 1m2.345s in milliseconds; a leading 0 would make it octal.
ms() {
  m=${1%%m*} s=${1#*m}
  s=${s%s}
  f=${s#*.}000
  f=1${f%"${f#???}"}
  echo $((m * 60000 + ${s%%.*} * 1000 + f - 1000))
}
# Once a second: the clock of the host against the lease, renewed from afar.
watch() {
  until=0
  while sleep 1; do
    [ -d "$dir" ] || return
    { read -r new < lease; } 2> /dev/null && [ -n "$new" ] && until=$new
    now
    [ "$now" -lt "$until" ] && continue
    echo lease > by
    [ "$holder" != cgroup ] && [ -r cgs ] && read -r cgs < cgs
    kill_all
    return
  done
}

# Of a fresh attempt; its channel shows its output as it comes.
begin() {
  dir=$PWD
  . ./limits
  mkdir begun || exit 1
  mkdir -p home
  cgs= ooms=0 peak= cpu_ms= remaining=0
  if [ "$holder" = cgroup ] && ! make_cgroups; then remove_cgroups; code=126 by=refused report=none; echo "refused its limits cannot be set in a cgroup" > refused; : > out; : > err; say_end
  else
    : > out
    cat notice > err 2> /dev/null
    mkfifo out.pipe err.pipe || exit 1
    keep < /dev/null > /dev/null 2>&1 &
    echo $! > parent
  fi
  unset RUNYARD__SECRETS
  follow 1 1
}
# What a login says there comes before this line. What tail says of itself is nobody's output.
# What a shell has to say of its own ("Terminated") would count as output: 3 is the stream from here on.
greet() {
  printf '\001%s begins\n' "$word"
  printf '\001%s begins\n' "$word" >&2
  exec 3>&2 2> /dev/null
}
# Its number stands there before it shows anything: whoever has seen the end must find whom to send home, since sshd closes
# no channel while one of these still has it open.
follow() {
  echo $$ > follow || exit 1
  greet
  tail -c "+$1" -f out 3>&- & t1=$!
  trap 'kill -KILL $t1 $!; exit 0' TERM
  tail -c "+$2" -f err >&3 & t2=$!
  wait $t1
  wait $t2
}
# Of one that has ended, nobody waits for what a file's end may bring: each stream has as many bytes as it says, then the
# line, whether that stands behind them or not.
rest() {
  read -r line < status
  for field in $line; do
    case $field in out=*) out_size=${field#*=} ;; err=*) err_size=${field#*=} ;; esac
  done
  greet
  piece out "$1" "$out_size"
  piece err "$2" "$err_size" >&3
}
piece() {
  if [ "$2" -gt "$3" ]; then printf '\001%s\n' "$line" | tail -c "+$(($2 - $3))"
  else
    tail -c "+$2" "$1" | head -c $(($3 - $2 + 1))
    printf '\001%s\n' "$line"
  fi
}
again() {
  end_ours follow
  [ -e out ] && [ -e err ] || exit 1
  if [ -e status ]; then rest "$1" "$2"; else follow "$1" "$2"; fi
}

state_of() {
  if [ ! -d "$root/$key" ]; then state=missing
  elif [ -e "$root/$key/status" ]; then state=ended
  elif [ ! -d "$root/$key/begun" ]; then state=made
  else
    state=running
    { read -r parent < "$root/$key/parent"; } 2> /dev/null || parent=
    # Nobody else writes how it ended. At its very beginning there is none yet.
    [ -n "$parent" ] && is_ours "$parent" || state=orphan
  fi
}
enter() {
  cd "$root/$key" 2> /dev/null || return 1
  dir=$PWD job= cgs=
  { read -r job < job; } 2> /dev/null
  { read -r cgs < cgs; } 2> /dev/null
  return 0
}
do_signal() {
  i=0
  while enter && [ ! -e status ] && [ -z "$job" ] && [ $i -lt 100 ]; do i=$((i + 1)); nap; done
  if ! enter; then echo "$id ok 0 missing"; return; fi
  if [ -e status ]; then echo "$id ok 0 ended"; return; fi
  if [ -z "$job" ]; then echo "$id ok 0"; return; fi
  if [ "$1" = KILL ]; then kill_all; else
    list_tree
    [ -n "$tree" ] && kill -s "$1" $tree 2> /dev/null
    set -- $tree
    remaining=$#
  fi
  echo "$id ok $remaining"
}
do_clear() {
  if enter; then
    [ -n "$job" ] && [ ! -e status ] && kill_all
    i=0
    # Its parent is about to say how it ended.
    while [ -n "$job" ] && [ ! -e status ] && [ $i -lt 60 ]; do i=$((i + 1)); nap; done
    end_ours follow
    end_ours parent
    cd /
    rm -rf "$dir" 2> /dev/null || { chmod -R u+rwX "$dir"; rm -rf "$dir"; } 2> /dev/null
    remove_cgroups
  fi
  [ -d "$root/$key" ] && echo "$id failed" || echo "$id ok"
}
ear() {
  find_base || { echo "hello failed"; exit 1; }
  root=$base/$tag
  find_holder
  tools=
  for p in perl tar setsid mkfifo tail head; do has $p && tools=$tools,$p; done
  env --default-signal=INT,QUIT true 2> /dev/null && tools=$tools,resets
  now
  echo "hello uptime=$now uid=$uid root=$root holder=$holder held=$held cgroups=$cg_cpu,$cg_memory,$cg_pids,$cg_cpuacct files=$(ulimit -Hn) tools=${tools#,}"
  while read -r id what key arg; do
    case $what in
    make) if { [ -d "$root" ] || find_base; } && mkdir -p "$root/$key" && echo "$arg" > "$root/$key/lease"; then echo "$id ok"; else echo "$id failed"; fi 2> /dev/null ;;
    lease)
      state_of
      case $state in running | orphan) echo "$arg" > "$root/$key/lease" ;; esac
      now
      echo "$id ok $state $now" ;;
    abandon) if mkdir "$root/$key/begun" 2> /dev/null; then echo "$id ok"; else echo "$id begun"; fi ;;
    unsock) rm -f "$root/$key/runyard/socket"; mkdir -p "$root/$key/runyard"; echo "$id ok" ;;
    refused) { read -r why < "$root/$key/refused"; } 2> /dev/null; echo "$id ok $why" ;;
    unfollow) end_ours "$root/$key/follow"; echo "$id ok" ;;
    usage) if enter && [ -n "$cgs" ]; then read_usage; echo "$id ok $cpu_ms $peak"; else echo "$id ok"; fi; cd / ;;
    signal) (do_signal "$arg") & ;;
    clear) (do_clear) & ;;
    list) echo "$id ok $(cd "$root" && echo *)" ;;
    *) echo "$id failed" ;;
    esac
  done
  wait
  rmdir "$root" "$base" 2> /dev/null
}

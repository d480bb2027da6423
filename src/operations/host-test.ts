/** The job that tries a host, and says what kind of host it is. */
import type { JobSpecInput } from '../job/spec.ts'

/** In the outputs of a test: the others are facts. */
export const factsMark = 'host_facts'

/** For any POSIX shell; what a host does not know it leaves out. */
const script = `say() {
  value=$(printf %s "$2" | tr '\\n\\r' '  ')
  [ -n "$value" ] || return 0
  printf '%-13s %s\\n' "$1" "$value"
  [ -z "\${RUNYARD_OUTPUT:-}" ] || printf '%s=%s\\n' "$1" "$value" >> "$RUNYARD_OUTPUT"
}
first() { for tool in "$@"; do value=$($tool 2>/dev/null) && [ -n "$value" ] && { printf %s "$value"; return; }; done; }
has() { command -v "$1" >/dev/null 2>&1; }
say hostname "$(first 'uname -n' hostname)"
say os "$( ( . /etc/os-release && printf %s "$PRETTY_NAME" ) 2>/dev/null || uname -s)"
say kernel "$(uname -sr)"
say arch "$(uname -m)"
say cores "$(first nproc 'getconf _NPROCESSORS_ONLN' 'grep -c ^processor /proc/cpuinfo')"
say memory_bytes "$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo 2>/dev/null)"
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then say cgroup v2
elif [ -d /sys/fs/cgroup/memory ]; then say cgroup v1
else say cgroup none; fi
if [ -d /run/systemd/system ]; then say systemd true; else say systemd false; fi
say user "$(id -un 2>/dev/null)"
say uid "$(id -u)"
tools=
for tool in sh bash python3 perl node ruby go git curl rsync docker podman systemd-run sudo; do
  has "$tool" && tools="$tools $tool"
done
say tools "$tools"
[ -z "\${RUNYARD_OUTPUT:-}" ] || echo ${factsMark}=1 >> "$RUNYARD_OUTPUT"
`

export const hostTest = (host: string): JobSpecInput => ({
  name: `host test ${host}`,
  command: ['sh', '-c', script],
  executor: 'ssh',
  hosts: [host],
  outputs: true,
  timeout_seconds: 60,
  priority: 8,
})

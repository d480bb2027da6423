/**
 * For a network that is not made by us, as a container's: the forwarder (`forwarder.ts`) is put into it from outside,
 * where root may. It stays in the files of this host, so the socket needs no place inside; it gives root up when it is in;
 * it ends with us, or with `close`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onPath } from '../launcher/spawn-launcher.ts'
import { forwarderSubs, proxyPort } from './forwarder.ts'

export interface Relay {
  close(): void
}

const nobody = 65_534
const patienceMs = 10_000

const script = `# runyard carries
my ($port, $path) = @ARGV;
my $door = door($port) or die "port $port: $!\\n";
if ($> == 0) { $) = "${nobody} ${nobody}"; $( = ${nobody}; $< = $> = ${nobody}; $> && $< or die "uid: $!\\n" }
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT PIPE);
syswrite STDOUT, "ready\\n";
forward($door, $path, *STDIN);
${forwarderSubs}`

/** Null: it can be done here. */
export function cannotEnter(): string | null {
  if (process.getuid?.() !== 0) return 'network "egress" for containers needs a runner that is root'
  const missing = ['nsenter', 'perl'].find((program) => onPath(program) === null)
  return missing === undefined ? null : `${missing} is not installed, which network "egress" for containers needs`
}

/**
 * `pid`: a process in that network, of this host's numbering. `socket`: of the way out; all directories above must be
 * passable for everybody (x). When it resolves, connections are taken. Rejects with the reason.
 */
export async function relayInto(pid: number, socket: string): Promise<Relay> {
  const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', 'perl', '-e', script, String(proxyPort), socket], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LANG: 'C' },
  })
  let words = ''
  child.stderr.on('data', (bytes: Buffer) => (words = `${words}${bytes.toString()}`.slice(-500)))
  child.stdin.on('error', () => {}) // `exit` follows
  const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  const gone = once(child, 'close').then(() => {
    throw new Error(`the container's network cannot be entered: ${words.trim() || 'it ended without a word'}`)
  })
  gone.catch(() => {})
  await Promise.race([once(child.stdout, 'data'), gone]).finally(() => clearTimeout(late))
  return { close: () => void child.stdin.end() }
}

/**
 * What runs in a sandbox that was built ahead, until a job's command takes its place: it reads argv and environment
 * from a pipe and becomes the command, as bubblewrap would have (the same `execvp`); or, when files of the job are
 * wanted, it becomes the command's parent (`pickup.ts`). Perl, because an exec must come with its exact reason when
 * it fails, and with environment names that no shell would take.
 */
import { realpathSync } from 'node:fs'
import { encodeFrame } from '../launcher/frames.ts'
import { onPath } from '../launcher/spawn-launcher.ts'
import { defaultEnv, jobIdentity } from './isolation.ts'
import { pickupBody, pickupWords, type PickupOrder } from './pickup.ts'
import type { SystemView } from './system-view.ts'

/** Its descriptors go with the exec; what it says goes where bubblewrap's own report goes. */
const script = `# runyard waits
open(I, '<&=', shift) && open(R, '>>&=', shift) && open(S, '>>&=', shift) or exit 125;
fcntl($_, 2, 1) or exit 125 for *I, *R, *S;
syswrite S, qq({"waiting":true}\\n);
sub fill { while (length $_[0] < $_[1]) { sysread(I, $_[0], 65536, length $_[0]) or exit 125 } }
my $said = '';
fill($said, 4);
my $size = unpack 'V', $said;
fill($said, 4 + $size);
my ($become, @words) = unpack '(V/a*)*', substr $said, 4, $size;
$said = '';
if ($become) {
  my @argv = list();
  %ENV = @words;
  $SIG{FPE} = 'DEFAULT';
  exec { $argv[0] } @argv;
  syswrite S, qq({"exec-failed":"$!"}\\n);
  exit 127;
}
close I;
${pickupBody}`

/** The beginning of its command line, which is not the command's. */
export const waiterLine = (perl: string): string => `${perl}\0-e\0# runyard waits\n`

export const waiterArgv = (perl: string, ...fds: [order: string, report: string, status: string]): string[] => [
  perl,
  '-e',
  script,
  ...fds,
]

/** Nothing but the C locale is sure to be there, and Perl complains about any other. */
export const waiterEnv = { LANG: 'C' }

/** As the sandbox sees it; null where it does not. */
export function perlInside(view: SystemView): string | null {
  const found = onPath('perl')
  if (found === null) return null
  const real = realpathSync(found)
  return view.directories.some((dir) => real.startsWith(`${dir}/`)) ? real : null
}

/** As it is handed over. bubblewrap sets PWD after everything else. */
export const encodeCommand = (command: string[], env: Record<string, string>): Buffer =>
  encodeFrame([
    '1',
    String(command.length),
    ...command,
    ...Object.entries({ ...defaultEnv, ...env, PWD: jobIdentity.home }).flat(),
  ])

export const encodeCommandWithPickup = (order: PickupOrder): Buffer => encodeFrame(['0', ...pickupWords(order)])

/** What only bubblewrap knows how to refuse. */
export const canBeHandedOver = (command: string[], env: Record<string, string>): boolean =>
  Object.keys(env).every((name) => name !== '' && !name.includes('=')) &&
  ![...command, ...Object.entries(env).flat()].some((word) => word.includes('\0'))

/**
 * Between the sandbox and the command of a job with network "egress": a process that opens the port of the way out, leaves
 * another behind that carries its bytes (`egress/forwarder.ts`), and becomes the command; or, when files of the job are
 * wanted, the command's parent, as `pickup.ts` has it. The one behind is no child of the command, which would have to
 * wait for it.
 */
import { encodeFrame } from '../launcher/frames.ts'
import { forwarderSubs, proxyPort } from '../egress/forwarder.ts'
import { pickupBody, pickupWords, type PickupOrder } from './pickup.ts'

/** Where the directory with the socket appears. */
export const wayOutPlace = '/run/runyard'
/** The one that stays, and for a moment the one that left it behind. */
export const wayOutProcesses = 2

const script = `# runyard opens a way out
open(I, '<&=', shift) && open(R, '>>&=', shift) && open(S, '>>&=', shift) or exit 125;
fcntl($_, 2, 1) for *I, *R, *S;
my $said = '';
while (sysread I, $said, 1048576, length $said) { }
close I;
my ($socket, $port, $become, @words) = unpack '(V/a*)*', substr $said, 4;
$said = '';
sub cannot { syswrite S, qq({"exec-failed":"the way out cannot be opened: $!"}\\n); exit 127 }
my $door = door($port) or cannot();
my $leaver = fork // cannot();
if (!$leaver) {
  my $stays = fork // exit 1;
  exit 0 if $stays;
  $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT USR1 USR2 PIPE ALRM TERM TTOU TTIN TSTP);
  setpgrp 0, 0;
  chdir '/';
  close $_ for *R, *S;
  open STDOUT, '>', '/dev/null';
  open STDERR, '>', '/dev/null';
  forward($door, $socket);
}
waitpid $leaver, 0;
cannot() if $?;
close $door;
if ($become) {
  my @argv = list();
  %ENV = @words;
  $SIG{FPE} = 'DEFAULT';
  exec { $argv[0] } @argv;
  syswrite S, qq({"exec-failed":"$!"}\\n);
  exit 127;
}
${pickupBody}
${forwarderSubs}`

/** The beginning of the command line of both. */
export const wayOutLine = (perl: string): string => `${perl}\0-e\0# runyard opens a way out\n`

export const wayOutArgv = (perl: string, ...fds: [order: string, report: string, status: string]): string[] => [
  perl,
  '-e',
  script,
  ...fds,
]

const opening = (socketName: string): string[] => [`${wayOutPlace}/${socketName}`, String(proxyPort)]

/** `env`: all that the command is to see. */
export const encodeWayOut = (socketName: string, command: readonly string[], env: Record<string, string>): Buffer =>
  encodeFrame([...opening(socketName), '1', String(command.length), ...command, ...Object.entries(env).flat()])

export const encodeWayOutWithPickup = (socketName: string, order: PickupOrder): Buffer =>
  encodeFrame([...opening(socketName), '0', ...pickupWords(order)])

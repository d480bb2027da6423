/**
 * Between the sandbox and a command whose files are wanted (outputs, reports, artefacts): a process that is the command's
 * parent, and when the command has ended reads them, inside the sandbox and as the job's own user, into a pipe. So no
 * link can lead it to what the job could not read itself, and a private work directory is read before it goes.
 *
 * Perl for the reasons of `waiter.ts`, whose process does the same when its sandbox was built ahead. The parent hears
 * of no signal that is meant for the command, and ends as the command did. Reading is done by one more process, which
 * is given up after five seconds: a report that lies on a file system that hangs, or that is a pipe, must not hold up
 * the end of a job. Artefacts have a reader of their own, with a patience that goes by their size; when the first one
 * had to be given up, half a frame may be in the pipe, and there is no second one.
 */
import { constants } from 'node:fs'
import type { ArtifactCaps } from '../../job/artifacts.ts'
import { outputLimits } from '../../job/outputs.ts'
import type { StoredSpec } from '../../job/spec.ts'
import { encodeFrame } from '../launcher/frames.ts'

/** Contents of all reports of one attempt together. */
export const reportBytes = 8 * 1024 * 1024
/** More files than this are not read, and not more directory entries than that looked at. */
const most = { files: 1000, entries: 20_000, depth: 24 }
const patienceSeconds = 5
/** Whether there is anything to pick up. */
export const leavesFiles = ({
  junit,
  outputs,
  artifacts,
}: Pick<StoredSpec, 'junit' | 'outputs' | 'artifacts'>): boolean =>
  outputs === true || (junit?.length ?? 0) + (artifacts?.length ?? 0) > 0

/** A disk that is slower than this is given up. */
const slowestBytesPerSecond = 8 * 1024 * 1024
const mostArtifactEntries = 200_000

/** Seconds. */
export const artifactPatience = ({ bytes }: ArtifactCaps): number => 60 + Math.ceil(bytes / slowestBytesPerSecond)

const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW, O_WRONLY, O_CREAT, O_EXCL } = constants
/** Without blocking: it may be a pipe. */
const toRead = O_RDONLY | O_NONBLOCK | O_NOCTTY

/** What it does with its order (`@words`); `R` and `S` are the pipes for files and for its status, closed by an exec. */
export const pickupBody = `sub list { my $count = shift @words; splice @words, 0, $count }
my ($output, $caps, $files_cap, $patience) = splice @words, 0, 4;
my @reports = list();
my @artifacts = list();
my @argv = list();
%ENV = @words;
my ($output_dir) = $output =~ m{^(.+)/};
if ($output ne '') {
  mkdir $output_dir, 0700;
  if (sysopen my $new, $output, ${O_WRONLY | O_CREAT | O_EXCL}, 0600) { close $new }
}
my $command = fork;
exit 125 if !defined $command;
if (!$command) {
  $SIG{FPE} = 'DEFAULT';
  exec { $argv[0] } @argv;
  syswrite S, qq({"exec-failed":"$!"}\\n);
  exit 127;
}
my %ours = (HUP => 1, INT => 2, QUIT => 3, USR1 => 10, USR2 => 12, PIPE => 13, ALRM => 14, TERM => 15, VTALRM => 26,
  PROF => 27, IO => 29, PWR => 30);
$SIG{$_} = 'IGNORE' for keys %ours;
while (waitpid($command, 0) != $command) { }
my $end = $?;
syswrite S, qq({"command-ended":true}\\n);
my $in_time = 1;
$in_time = in_time(${patienceSeconds}, \\&take_small) if $output ne '' || @reports;
in_time($patience, \\&take_artifacts) if $in_time && @artifacts;
if ($output ne '') { unlink $output; rmdir $output_dir }
if (my $signal = $end & 127) {
  $SIG{$_} = 'DEFAULT' for keys %ours;
  kill $signal, $$;
  exit 128 + $signal;
}
exit $end >> 8;

sub in_time {
  my ($seconds, $work) = @_;
  my $reader = fork;
  if (defined $reader && !$reader) {
    $SIG{$_} = 'DEFAULT' for keys %ours;
    $SIG{PIPE} = 'IGNORE';
    $0 = 'runyard: reading reports';
    $work->();
    exit 0;
  }
  my $late = 0;
  if ($reader) {
    $SIG{ALRM} = sub { $late = 1; kill 'KILL', $reader };
    alarm $seconds;
    while (!$late && waitpid($reader, 0) != $reader) { }
    alarm 0;
    $SIG{ALRM} = 'IGNORE';
    waitpid($reader, 1) if $late;
    syswrite S, qq({"files-late":true}\\n) if $late;
  }
  return $reader && !$late && $? == 0;
}

sub tell_of {
  my ($kind, $bytes) = @_;
  my $frame = $kind . pack 'V/a*', $bytes;
  my $at = 0;
  while ($at < length $frame) { $at += syswrite(R, $frame, length($frame) - $at, $at) || exit 1 }
}

my ($take, $room, $files, $entries, $found, %seen);
sub take_small {
  if ($output ne '') {
    tell_of('S', 'output');
    ($room, $files) = (${outputLimits.fileBytes}, 1);
    take_file($output, ${toRead | O_NOFOLLOW});
    tell_of('Z', '');
  }
  return if !@reports;
  tell_of('S', 'junit');
  ($room, $files, $entries) = (${reportBytes}, ${most.files}, ${most.entries});
  $take = sub { take_file($_[0], ${toRead}) };
  pick_up(@reports);
}

sub take_artifacts {
  tell_of('S', 'artifacts');
  ($room, $files, $entries) = ($caps, $files_cap, ${mostArtifactEntries});
  $take = \\&take_artifact;
  pick_up(@artifacts);
}

sub pick_up {
  for my $path (@_) {
    $found = 0;
    my ($root, @parts) = $path =~ m{^/} ? ('/', split m{/+}, substr $path, 1) : ('', split m{/+}, $path);
    look($root, 0, grep { $_ ne '' && $_ ne '.' } @parts);
    tell_of('M', $path) if !$found;
  }
  tell_of('C', '') if $entries <= 0;
  tell_of('Z', '');
}

sub look {
  my ($at, $depth, $part, @rest) = @_;
  return $take->($at, $depth) if !defined $part;
  return if $depth > ${most.depth} || $entries <= 0;
  if ($part !~ /[*?]/) { $entries--; return look("$at$part" . (@rest ? '/' : ''), $depth + 1, @rest) if lstat "$at$part"; return }
  opendir my $dir, $at eq '' ? '.' : $at or return;
  my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $dir;
  closedir $dir;
  my $any = $part eq '**' || $part eq '.**';
  look($at, $depth + 1, @rest) if $any && @rest;
  my $like = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //, $part;
  for my $name (@names) {
    return if $entries-- <= 0;
    next if $name =~ /^\\./ && $part !~ /^\\./;
    if ($any) {
      my $is_dir = lstat("$at$name") && -d _;
      if ($is_dir) { look("$at$name/", $depth + 1, $part, @rest) }
      elsif (!@rest) { $take->("$at$name", $depth) }
    }
    elsif ($name =~ /^$like$/s) { look("$at$name" . (@rest ? '/' : ''), $depth + 1, @rest) }
  }
}

sub left_out {
  my ($path, $why) = @_;
  tell_of('F', $path);
  tell_of('X', $why);
}

sub take_file {
  my ($path, $how) = @_;
  if (!sysopen my $file, $path, $how) { $files--; $found++; left_out($path, "$!") }
  else {
    my ($dev, $inode) = (stat $file)[0, 1];
    return if -d _ || $seen{"$dev $inode"}++;
    $found++;
    return tell_of('C', '') if --$files < 0;
    tell_of('F', $path);
    return tell_of('X', 'it is not a file') if !-f _;
    send_file($file) or tell_of('C', '');
  }
}

# No link leads anywhere else, also when it takes a file's place just now. A directory is all that is in it.
sub take_artifact {
  my ($path, $depth) = @_;
  return if $seen{$path}++ || !lstat $path;
  return look("$path/", $depth, '.**') if -d _;
  $found++;
  return left_out($path, 'it is a link') if -l _;
  return left_out($path, 'it is not a file') if !-f _;
  if (--$files < 0) { tell_of('C', '') if $files == -1; return }
  sysopen my $file, $path, ${toRead | O_NOFOLLOW} or return left_out($path, "$!");
  my $size = (stat $file)[7];
  return left_out($path, 'it is not a file') if !-f _;
  return left_out($path, "with $size bytes it is more than there is room for") if $size > $room;
  tell_of('F', $path);
  send_file($file) or tell_of('X', 'it grew while it was read');
}

# False: there is no room for it.
sub send_file {
  my ($file) = @_;
  while (1) {
    my $got = sysread $file, my $bytes, 262144;
    return tell_of('X', "$!"), 1 if !defined $got;
    last if !$got;
    return 0 if $room < $got;
    $room -= $got;
    tell_of('D', $bytes);
  }
  tell_of('E', '');
  return 1;
}
`

const script = `# runyard picks up
open(I, '<&=', shift) && open(R, '>>&=', shift) && open(S, '>>&=', shift) or exit 125;
fcntl($_, 2, 1) for *I, *R, *S;
my $said = '';
while (sysread I, $said, 1048576, length $said) { }
close I;
my @words = unpack '(V/a*)*', substr $said, 4;
$said = '';
${pickupBody}`

/** The beginning of its command line, which is not the command's. */
export const pickupLine = (perl: string): string => `${perl}\0-e\0# runyard picks up\n`

/** `orderFd`: `encodePickup`; `reportFd`: where the files go; `statusFd`: where a command that cannot be executed is told. */
export const pickupArgv = (perl: string, orderFd: string, reportFd: string, statusFd: string): string[] => [
  perl,
  '-e',
  script,
  orderFd,
  reportFd,
  statusFd,
]

export interface PickupOrder {
  /** Path of the file for outputs inside; null: the job has none. */
  output: string | null
  reports: readonly string[]
  artifacts: readonly string[]
  caps: ArtifactCaps
  /** Seconds for the artefacts. */
  patience: number
  command: readonly string[]
  /** All that the command is to see. */
  env: Record<string, string>
}

const listed = (words: readonly string[]): string[] => [String(words.length), ...words]

export const encodePickup = (order: PickupOrder): Buffer => encodeFrame(pickupWords(order))

export const pickupWords = ({ output, reports, artifacts, caps, patience, command, env }: PickupOrder): string[] => [
  ...[output ?? '', String(caps.bytes), String(caps.files), String(Math.ceil(patience))],
  ...listed(reports),
  ...listed(artifacts),
  ...listed(command),
  ...Object.entries(env).flat(),
]

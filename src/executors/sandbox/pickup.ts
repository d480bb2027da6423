/**
 * Between the sandbox and a command whose reports are wanted: a process that is the command's parent, and when the
 * command has ended reads its report files, inside the sandbox and as the job's own user, into a pipe. So no link can
 * lead it to what the job could not read itself, and a private work directory is read before it goes.
 *
 * Perl for the reasons of `waiter.ts`. The parent hears of no signal that is meant for the command, and ends as the
 * command did. Reading is done by one more process, which is given up after five seconds: a report that lies on a
 * file system that hangs, or that is a pipe, must not hold up the end of a job.
 */
import { encodeFrame } from '../launcher/frames.ts'

/** Contents of all files of one attempt together. */
export const reportBytes = 8 * 1024 * 1024
/** More files than this are not read, and not more directory entries than that looked at. */
const most = { files: 1000, entries: 20_000, depth: 24 }
const patienceSeconds = 5

const script = `# runyard picks up
open(I, '<&=', shift) && open(R, '>>&=', shift) && open(S, '>>&=', shift) or exit 125;
fcntl($_, 2, 1) for *I, *R, *S;
my $said = '';
while (sysread I, $said, 1048576, length $said) { }
close I;
my ($count, @words) = unpack '(V/a*)*', substr $said, 4;
$said = '';
my @paths = splice @words, 0, $count;
$count = shift @words;
my @argv = splice @words, 0, $count;
%ENV = @words;
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
my $reader = fork;
if (defined $reader && !$reader) {
  $SIG{$_} = 'DEFAULT' for keys %ours;
  $SIG{PIPE} = 'IGNORE';
  $0 = 'runyard: reading reports';
  pick_up();
  exit 0;
}
if ($reader) {
  my $late = 0;
  $SIG{ALRM} = sub { $late = 1; kill 'KILL', $reader };
  alarm ${patienceSeconds};
  while (!$late && waitpid($reader, 0) != $reader) { }
}
if (my $signal = $end & 127) {
  $SIG{$_} = 'DEFAULT' for keys %ours;
  kill $signal, $$;
  exit 128 + $signal;
}
exit $end >> 8;

sub tell_of {
  my ($kind, $bytes) = @_;
  my $frame = $kind . pack 'V/a*', $bytes;
  my $at = 0;
  while ($at < length $frame) { $at += syswrite(R, $frame, length($frame) - $at, $at) || exit 0 }
}

my ($room, $files, $entries, %seen);
sub pick_up {
  ($room, $files, $entries) = (${reportBytes}, ${most.files}, ${most.entries});
  for my $path (@paths) {
    my $before = $files;
    my ($root, @parts) = $path =~ m{^/} ? ('/', split m{/+}, substr $path, 1) : ('', split m{/+}, $path);
    look($root, 0, grep { $_ ne '' && $_ ne '.' } @parts);
    tell_of('M', $path) if $files == $before;
  }
  tell_of('Z', '');
}

sub look {
  my ($at, $depth, $part, @rest) = @_;
  return take_file($at) if !defined $part;
  return if $depth > ${most.depth} || $entries <= 0;
  if ($part !~ /[*?]/) { $entries--; return look("$at$part" . (@rest ? '/' : ''), $depth + 1, @rest) if lstat "$at$part"; return }
  opendir my $dir, $at eq '' ? '.' : $at or return;
  my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $dir;
  closedir $dir;
  my $any = $part eq '**';
  look($at, $depth + 1, @rest) if $any && @rest;
  my $like = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split //, $part;
  for my $name (@names) {
    return if $entries-- <= 0;
    next if $name =~ /^\\./ && $part !~ /^\\./;
    if ($any) {
      my $is_dir = lstat("$at$name") && -d _;
      if ($is_dir) { look("$at$name/", $depth + 1, $part, @rest) }
      elsif (!@rest) { take_file("$at$name") }
    }
    elsif ($name =~ /^$like$/s) { look("$at$name" . (@rest ? '/' : ''), $depth + 1, @rest) }
  }
}

sub take_file {
  my ($path) = @_;
  # Without blocking: it may be a pipe.
  if (!sysopen my $file, $path, 04400) { $files--; return tell_of('F', $path), tell_of('X', "$!") }
  else {
    my ($dev, $inode) = (stat $file)[0, 1];
    return if -d _ || $seen{"$dev $inode"}++;
    return tell_of('C', '') if --$files < 0;
    tell_of('F', $path);
    return tell_of('X', 'it is not a file') if !-f _;
    while (1) {
      my $got = sysread $file, my $bytes, 65536;
      return tell_of('X', "$!") if !defined $got;
      last if !$got;
      return tell_of('C', '') if $room < $got;
      $room -= $got;
      tell_of('D', $bytes);
    }
    tell_of('E', '');
  }
}
`

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

/** `env` is complete. */
export const encodePickup = (paths: string[], command: string[], env: Record<string, string>): Buffer =>
  encodeFrame([String(paths.length), ...paths, String(command.length), ...command, ...Object.entries(env).flat()])

/**
 * What runs on the node around a job's command, as its user: it waits until its driver says go, starts the command as
 * `pickup.ts` does, ends the tree when it is told or when nobody renewed its lease, and writes down how it ended.
 * Perl, for an exec with its exact reason, exact signals, and being the parent of everything that was orphaned.
 *
 * Driver and wrapper speak through files of the attempt's directory, so neither needs to reach the other: `lease` is the
 * driver's (a growing number, ms to live, what to do), `status` and `beat` are the wrapper's. SIGUSR1 says "look now".
 */
import { pickupBody } from '../sandbox/pickup.ts'

/** Given to sbatch with the directory as its argument; nothing in it comes from a job but two numbers. */
export const batchScript = (openFiles: number | undefined): string => `#!/bin/sh
say() { echo "$*" >> "$dir/status"; exit 0; }
dir=$1
cd / || exit 1
${openFiles === undefined ? '' : `ulimit -n ${openFiles} 2> /dev/null || say "refused open_files ${openFiles} is more than the node $(hostname) allows"\n`}command -v perl > /dev/null || say "refused the node $(hostname) has no Perl, which jobs of Slurm need (perl-base)"
exec perl "$dir/run.pl" "$dir"
`

/** Ms. A driver that takes no notice of a job that stands ready for so long is not there. */
const patience = 120_000
/** Ms that processes may take to die. */
const dying = 5_000

export const wrapper = `# runyard keeps a job on a node
use POSIX ();
my $dir = shift;
my ($seq, $until, $wanted, $told, $gone, $late) = (0, 0, '-', 0, 0, 0);
sub say_status {
  open my $file, '>>', "$dir/status" or return;
  syswrite $file, join(' ', @_) . "\\n";
}
sub refuse { my $text = join ' ', @_; $text =~ s/\\s+/ /g; say_status($text); exit 0 }
sub up { open my $file, '<', '/proc/uptime' or return 1000 * time; my ($s) = split ' ', scalar <$file>; return 1000 * $s }
sub read_lease {
  open my $file, '<', "$dir/lease" or return $gone = $!{ENOENT} ? 1 : 0;
  my $line = <$file>;
  return if !defined $line || $line !~ /^(\\d+) (\\d+) (-|TERM|KILL) +\\.$/ || $1 <= $seq;
  ($seq, $until, $wanted) = ($1, up() + $2, $3);
}
pipe(BELL, RING) && fcntl(RING, 4, ${0o4000 | 1}) && fcntl(BELL, 4, ${0o4000}) or refuse('infrastructure no pipe:', $!);
$SIG{USR1} = $SIG{CHLD} = sub { syswrite RING, '.' };
$SIG{TERM} = sub { $told = 1; syswrite RING, '.' };
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT USR2 PIPE ALRM);
my $status_pipe;
sub rest {
  my ($seconds) = @_;
  my $bits = '';
  vec($bits, fileno BELL, 1) = 1;
  vec($bits, fileno $status_pipe, 1) = 1 if $status_pipe;
  select $bits, undef, undef, $seconds;
  sysread BELL, my $rung, 4096;
  return $rung;
}

my $said = '';
{
  open my $file, '<', "$dir/box/order" or refuse('infrastructure its order cannot be read:', $!);
  binmode $file;
  while (sysread $file, $said, 1048576, length $said) { }
  unlink "$dir/box/order" or refuse('infrastructure its order cannot be removed:', $!);
}
my @words = unpack '(V/a*)*', substr $said, 4;
$said = '';
my ($mark, $cwd) = splice @words, 0, 2;
read_lease();
my $first = $seq;
say_status('ready', (POSIX::uname())[1]);
my $give_up = up() + ${patience};
while ($seq <= $first) {
  exit 0 if $told || $gone || up() > $give_up;
  rest(0.1);
  read_lease();
}
exit 0 if $wanted ne '-';
chdir $cwd && POSIX::getcwd() eq $cwd or refuse("start cannot enter the working directory $cwd on the node:", $!);
open R, '>>', "$dir/files" and pipe(STATUS, S) or refuse('infrastructure', $!);
fcntl STATUS, 4, ${0o4000};
my %numbers = (x86_64 => 157, aarch64 => 167, ppc64le => 171, s390x => 172, riscv64 => 167);
my $number = $numbers{(POSIX::uname())[4]};
my $parent_of_all = defined $number && syscall($number, 36, 1, 0, 0, 0) == 0;
push @words, map { ($_, $ENV{$_}) } grep { /^SLURM/ } keys %ENV;
push @words, RUNYARD_MARK => $mark;
my $began = up();
my $keeper = $$;
my $pickup = fork;
refuse('infrastructure cannot fork on the node:', $!) if !defined $pickup;
if (!$pickup) {
  $SIG{$_} = 'DEFAULT' for keys %SIG;
  POSIX::setsid();
  umask 022;
  open STDIN, '<', '/dev/null' and open STDOUT, '>>', "$dir/out" and open STDERR, '>>', "$dir/err" or exit 125;
${pickupBody}
}
close S;
close R;
say_status('started');
$status_pipe = \\*STATUS;
my ($end, $peak, $looked, $done) = (undef, 0, 0, '');
while (!defined $end) {
  my $rung = rest(1);
  while ((my $pid = waitpid -1, 1) > 0) { $end = $? if $pid == $pickup }
  sysread STATUS, $said, 65536, length $said;
  last if defined $end;
  if ($rung || up() - $looked >= 900) { read_lease(); $looked = up(); sample() }
  $wanted = 'KILL' if $gone || up() > $until;
  $wanted = 'TERM' if $told && $wanted eq '-';
  send_all($wanted) if $wanted eq 'KILL' || $wanted ne '-' && $done ne $wanted;
  $done = $wanted;
}
while (sysread STATUS, $said, 65536, length $said) { }
my $dead_by = up() + ${dying};
my @left;
while (@left = jobs()) {
  kill 'KILL', @left;
  while (waitpid(-1, 1) > 0) { }
  last if up() > $dead_by;
  select undef, undef, undef, 0.01;
}
while (waitpid(-1, 1) > 0) { }
my ($own, $system, $children, $for_children) = times;
refuse("start-exec $1") if $said =~ /"exec-failed":"([^"]*)"/;
my ($code, $signal) = ($end >> 8, $end & 127);
say_status('ended', $code, $signal, int(up() - $began), int(1000 * ($children + $for_children)), $peak, scalar @left,
  -s "$dir/out", -s "$dir/err", $said =~ /files-late/ ? 1 : 0);
exit($signal ? 128 + $signal : $code);

# Of the command's tree, also what left it; not the process that reads its files.
sub jobs {
  my (%children, %dead, @found);
  opendir my $proc, '/proc' or return;
  for my $pid (grep { /^[0-9]+$/ } readdir $proc) {
    open my $file, '<', "/proc/$pid/stat" or next;
    my $line = join '', <$file>;
    my ($state, $parent) = $line =~ /.*\\) (\\S) ([0-9]+)/s or next;
    push @{$children{$parent}}, $pid;
    $dead{$pid} = 1 if $state eq 'Z' || $state eq 'X';
    push @found, $pid if !$parent_of_all && $parent == 1 && $pid != $keeper && marked($pid);
  }
  my @above = ($keeper, @found);
  while (defined(my $pid = shift @above)) {
    my @below = @{$children{$pid} || []};
    # When the command has ended, its children read files, and end when there is no time for it.
    @below = () if $pid == $pickup && $said =~ /command-ended/ && $wanted ne 'KILL';
    push @above, @below;
    push @found, grep { $_ != $pickup } @below;
  }
  return grep { !$dead{$_} } @found;
}
sub marked {
  open my $file, '<', "/proc/$_[0]/environ" or return 0;
  my $environ = join '', <$file>;
  return index("\\0$environ\\0", "\\0RUNYARD_MARK=$mark\\0") >= 0;
}
sub send_all {
  my ($name) = @_;
  my @all = jobs();
  kill $name, @all;
  kill 'CONT', @all if $name eq 'TERM';
}
sub sample {
  my ($bytes, $ticks) = (0, 0);
  for my $pid (jobs()) {
    if (open my $file, '<', "/proc/$pid/statm") { $bytes += 4096 * (split ' ', scalar <$file>)[1] }
    if (open my $file, '<', "/proc/$pid/stat") { my @f = split ' ', (split /\\) /, join('', <$file>))[-1]; $ticks += $f[$_] for 11 .. 14 }
  }
  $peak = $bytes if $bytes > $peak;
  open my $file, '+<', "$dir/beat" or return;
  syswrite $file, sprintf '%-62s.', join ' ', 10 * $ticks, $peak;
}
`

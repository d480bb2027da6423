#!/usr/bin/perl
# The starter: forks and execs for the launcher, and tells how each process ended. It is a process of its own because a
# fork copies the page tables of its parent, and Perl because that is small and on every Debian (perl-base, no modules).
#
#   starter.pl ARCH          stdin: orders, stdout: answers; both are frames: u32 length, then fields (u32 length, bytes)
#
#   run id uid gid files cwd program | n, cgroup.procs … | n, (fd, kind, value) … | n, argv … | NAME=value …
#   forget path …                              started id pid starttime | failed id errno what | exited id status
# (starttime is left out where a cgroup holds the process: there it is found without)
#
# When stdin ends the launcher is gone: everything that was started dies with it.
#
# Every fork copies what this process has touched, so it loads no module, not even the pragmas; a test compiles it under
# `perl -Mstrict -Mwarnings -c`.

my $arch = shift // '';
my @names = qw(close prctl setresuid setresgid setgroups dup3 prlimit64 execve exit_group signalfd4
  rt_sigprocmask capget capset memfd_create setsid);
my %numbers = (
    x64   => [3,  157, 117, 119, 116, 292, 302, 59,  231, 289, 14,  125, 126, 319, 112],
    arm64 => [57, 167, 147, 149, 159, 24,  261, 221, 94,  74,  135, 90,  91,  279, 157],
);
my %sys;
@sys{@names} = @{ $numbers{$arch} or die "starter: no system call numbers for '$arch'\n" };
die "starter: this Perl is not a 64 bit one\n" if length(pack 'p', 'x') != 8;

my ($EINTR, $ENOENT, $EACCES, $ENOTDIR, $ENOEXEC, $EINVAL) = (4, 2, 13, 20, 8, 22);
my ($O_RDONLY, $O_RDWR, $O_APPEND_CREATE, $O_EXACT) = (0, 2, 1 | 0100 | 02000, 010000000 | 0400000);
# The system calls want strings that they might write to.
my $memory_name = 'runyard';
my ($SIGCHLD_MASK, $NO_MASK) = (pack('Q', 1 << 16), pack('Q', 0));

# Below this every number is taken, so what a child opens never lies where it must be in the end.
my $lowest = 64;
my $self = $$;
my (%ids, %procs, @taken, $signals, $failures, $failing);
my $answers = '';
# Whether an answer is among them that somebody waits for.
my $urgent = 0;

setup();
answer('ready');
serve();

sub setup {
    opendir my $dir, '/proc/self/fd' or die "starter: /proc: $!\n";
    my @inherited = grep { /^\d+$/ && $_ > 2 } readdir $dir;
    closedir $dir;
    syscall($sys{close}, $_ + 0) for @inherited;
    while (1) {
        open my $null, '<', '/dev/null' or die "starter: /dev/null: $!\n";
        last if fileno $null >= $lowest;
        push @taken, $null;
    }
    pipe $failures, $failing or die "starter: pipe: $!\n";
    fcntl $failures, 4, 04000 or die "starter: fcntl: $!\n";
    # Blocked and read as a file: a signal between a look and the wait is not lost.
    syscall($sys{rt_sigprocmask}, 0, $SIGCHLD_MASK, 0, 8);
    my $fd = syscall($sys{signalfd4}, -1, $SIGCHLD_MASK, 8, 02000000 | 04000);
    open $signals, '<&=', $fd or die "starter: signalfd: $!\n";
    $SIG{PIPE} = 'IGNORE';
    # Orphans come to us: they are reaped at once, and none is out of sight.
    syscall($sys{prctl}, 36, 1, 0, 0, 0);
    syscall($sys{prctl}, 38, 1, 0, 0, 0) == 0 or die "starter: no_new_privs: $!\n";
    syscall($sys{prlimit64}, 0, 4, my $no_core = pack('QQ', 0, 0), 0);
    return if $> != 0;
    for my $capability (0 .. 63) { last if syscall($sys{prctl}, 24, $capability, 0, 0, 0) != 0 }
    my ($header, $data) = (pack('LL', 0x20080522, 0), "\0" x 24);
    syscall($sys{capget}, $header, $data);
    my @sets = unpack 'L6', $data;
    @sets[2, 5] = (0, 0);
    $data = pack 'L6', @sets;
    syscall($sys{capset}, $header, $data);
}

sub serve {
    my $orders = '';
    my $wanted = '';
    vec($wanted, 0, 1) = 1;
    vec($wanted, fileno $signals, 1) = 1;
    while (1) {
        flush_answers() if $urgent;
        my $ready = $wanted;
        # Most jobs are short: that one has started is told together with its end, or after a moment.
        my $found = select($ready, undef, undef, $answers eq '' ? undef : 0.002);
        if ($found < 1) {
            flush_answers();
            next;
        }
        if (vec($ready, fileno $signals, 1)) {
            sysread $signals, my $said, 4096;
            reap();
        }
        if (vec($ready, 0, 1)) {
            my $got = sysread STDIN, $orders, 262144, length $orders;
            next if !defined $got && $!+0 == $EINTR;
            kill_all() if !$got;
            my $at = 0;
            while (length($orders) >= $at + 4) {
                my $size = unpack 'V', substr($orders, $at, 4);
                last if length($orders) < $at + 4 + $size;
                obey(unpack '(V/a*)*', substr($orders, $at + 4, $size));
                $at += 4 + $size;
            }
            substr($orders, 0, $at, '') if $at > 0;
        }
    }
}

sub obey {
    my $order = shift;
    if ($order eq 'run') { run(@_) }
    elsif ($order eq 'forget') { delete @procs{@_} }
}

sub run {
    my $id = shift;
    my @cgroups = @_[6 .. 5 + $_[5]];
    # Opened once: the same slots are used again and again.
    for my $path (@cgroups) {
        next if $procs{$path};
        if (!sysopen $procs{$path}, $path, 1) {
            delete $procs{$path};
            return answer('failed', $id, $!+0, "cgroup $path");
        }
    }
    my $pid = fork;
    return answer('failed', $id, $!+0, 'fork') if !defined $pid;
    child(@_) if $pid == 0;
    $ids{$pid} = $id;
    $answers .= frame('started', $id, $pid, @cgroups ? '' : start_time($pid));
}

sub child {
    my ($uid, $gid, $files, $cwd, $program, @rest) = @_;
    syscall($sys{setsid});
    for my $path (splice @rest, 0, shift @rest) {
        syswrite $procs{$path}, '0' or fail("cgroup $path");
    }
    my @places;
    for (1 .. shift @rest) {
        my ($fd, $kind, $value) = splice @rest, 0, 3;
        push @places, [$fd, opened($kind, $value)];
    }
    for (@places) { syscall($sys{dup3}, fileno $_->[1], $_->[0] + 0, 0) >= 0 or fail('dup3') }
    syscall($sys{prlimit64}, 0, 7, pack('QQ', $files, $files), 0) == 0 or fail("ulimit -n $files");
    if ($uid ne '') {
        syscall($sys{setgroups}, 0, 0) == 0 or fail('setgroups');
        syscall($sys{setresgid}, $gid + 0, $gid + 0, $gid + 0) == 0 or fail("setgid $gid");
        syscall($sys{setresuid}, $uid + 0, $uid + 0, $uid + 0) == 0 or fail("setuid $uid");
    }
    # After the identity: the kernel forgets it on a change of credentials.
    syscall($sys{prctl}, 1, 9, 0, 0, 0);
    leave() if getppid() != $self;
    chdir $cwd or fail('chdir');
    # Perl itself ignores floating point errors; the command must not.
    $SIG{$_} = 'DEFAULT' for qw(PIPE FPE);
    syscall($sys{rt_sigprocmask}, 2, $NO_MASK, 0, 8);
    my @argv = splice @rest, 0, shift @rest;
    become($program, \@argv, \@rest);
}

sub opened {
    my ($kind, $value) = @_;
    my $file;
    if ($kind eq 'data') {
        # In memory, never on a disk and never in a command line. Newer kernels want to hear that it is no program.
        my $fd = syscall($sys{memfd_create}, $memory_name, 9);
        $fd = syscall($sys{memfd_create}, $memory_name, 1) if $fd < 0 && $!+0 == $EINVAL;
        open $file, '+<&=', $fd or fail('memfd');
        my $written = 0;
        while ($written < length $value) {
            $written += syswrite($file, $value, length($value) - $written, $written) || fail('memfd');
        }
        sysseek $file, 0, 0;
        return $file;
    }
    my $flags = $kind eq 'read' ? $O_RDONLY : $kind eq 'exact' ? $O_EXACT : $kind eq 'append' ? $O_APPEND_CREATE : $O_RDWR;
    sysopen $file, $value, $flags, 0600 or fail("open $value");
    if ($kind eq 'exact') {
        my $actual = readlink '/proc/self/fd/' . fileno $file;
        # O_PATH opens a link itself, under its own name.
        $actual = 'a link' if $actual eq $value && ((stat $file)[2] & 0170000) == 0120000;
        fail("open $value is now $actual", 0) if $actual ne $value;
    }
    # The one before may have made it small.
    fcntl $file, 1031, 262144 if $kind eq 'pipe';
    return $file;
}

sub become {
    my ($program, $argv, $env) = @_;
    my $environment = pack('p*', @$env) . pack('Q', 0);
    my $arguments = pack('p*', @$argv) . pack('Q', 0);
    $program = $argv->[0] if $program eq '';
    my @candidates = ($program);
    if ($program !~ m{/}) {
        my ($path) = grep { /^PATH=/ } @$env;
        $path = defined $path ? substr($path, 5) : '/usr/local/bin:/usr/bin:/bin';
        @candidates = map { ($_ eq '' ? '.' : $_) . "/$program" } split /:/, $path, -1;
    }
    my $why = $ENOENT;
    for my $file (@candidates) {
        syscall($sys{execve}, $file, $arguments, $environment);
        my $errno = $!+0;
        if ($errno == $ENOEXEC) {
            # As every execvp does: a script without a first line that names its interpreter.
            my @shell = ('/bin/sh', $file, @$argv[1 .. $#$argv]);
            syscall($sys{execve}, $shell[0], pack('p*', @shell) . pack('Q', 0), $environment);
        }
        $why = $errno if $errno != $ENOENT && $errno != $ENOTDIR;
        last if $errno != $ENOENT && $errno != $ENOTDIR && $errno != $EACCES;
    }
    fail('exec', $why);
}

sub fail {
    my ($what, $errno) = @_;
    $errno = $!+0 if !defined $errno;
    syswrite $failing, frame($$, $errno, substr($what, 0, 1000));
    leave();
}

# Without Perl's own farewell, which belongs to the parent.
sub leave { syscall($sys{exit_group}, 127) while 1 }

sub reap {
    my %failed;
    while ((my $pid = waitpid -1, 1) > 0) {
        my $status = $?;
        my $id = delete $ids{$pid};
        next if !defined $id;
        if ($status == 127 << 8) {
            %failed = (%failed, failed_children());
            if (my $failure = $failed{$pid}) {
                answer('failed', $id, @$failure);
                next;
            }
        }
        answer('exited', $id, $status);
    }
}

sub failed_children {
    my %found;
    my $said = '';
    while (sysread $failures, $said, 65536, length $said) { }
    for my $one (unpack '(V/a*)*', $said) {
        my ($pid, @why) = unpack '(V/a*)*', $one;
        $found{$pid} = \@why;
    }
    return %found;
}

sub start_time {
    my ($pid) = @_;
    sysopen my $file, "/proc/$pid/stat", 0 or return '';
    sysread $file, my $text, 1024;
    return (split / /, substr($text, rindex($text, ')') + 2))[19] // '';
}

sub frame { return pack 'V/a*', pack '(V/a*)*', @_ }
sub answer {
    $answers .= frame(@_);
    $urgent = 1;
}

sub flush_answers {
    $urgent = 0;
    while ($answers ne '') {
        my $written = syswrite STDOUT, $answers;
        kill_all() if !defined $written && $!+0 != $EINTR;
        substr $answers, 0, $written // 0, '';
    }
}

# Until nothing is left of what we started, for a minute: after that only the host can help.
sub kill_all {
    for my $round (1 .. 6000) {
        for my $path (keys %procs) {
            (my $switch = $path) =~ s/procs$/kill/;
            if (sysopen my $file, $switch, 1) { syswrite $file, '1' }
            elsif (sysopen my $list, $path, 0) {
                sysread $list, my $pids, 1_000_000;
                kill 'KILL', grep { $_ > 1 } split /\n/, $pids // '';
            }
        }
        my @below = descendants();
        # Stopped first, none of them can make another between our look and our kill.
        kill 'STOP', @below;
        kill 'KILL', @below;
        while (waitpid(-1, 1) > 0) { }
        last if !@below && $round > 1;
        select undef, undef, undef, 0.01;
    }
    leave();
}

sub descendants {
    my %children;
    opendir my $dir, '/proc' or return;
    for my $pid (grep { /^\d+$/ } readdir $dir) {
        sysopen my $file, "/proc/$pid/stat", 0 or next;
        sysread $file, my $text, 1024;
        my ($state, $parent) = split / /, substr($text // '', rindex($text // '', ')') + 2);
        push @{ $children{$parent} }, $pid if defined $parent && $state ne 'Z' && $state ne 'X';
    }
    my @found = @{ $children{$$} // [] };
    for (my $i = 0; $i < @found; $i++) { push @found, @{ $children{ $found[$i] } // [] } }
    return @found;
}

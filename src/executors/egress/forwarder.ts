/**
 * The end inside: a port on the loopback of a network that has nothing else, and a process that carries bytes between it
 * and the socket of the way out. It reads none of them. It runs with the job, as its user and within its limits; a job
 * that kills it has cut itself off. Perl for the reasons of `sandbox/waiter.ts`, without modules.
 *
 * Where the job's network is a container's, the same process is put into it from outside (`netns.ts`).
 */

/** Squid's; a job has its loopback for itself. */
export const proxyPort = 3128

const [AF_UNIX, AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR] = [1, 2, 1, 1, 2]
const [F_SETFD, F_SETFL, O_RDWR_NONBLOCK, SHUT_WR] = [2, 4, 0o4002, 1]
/** As many at once as the other side takes. */
const most = 128
const piece = 65_536

/** `door(port)` listens; `forward(door, path of the socket, a handle whose end is ours or nothing)` never returns. */
export const forwarderSubs = `sub door {
  my ($port) = @_;
  socket(my $door, ${AF_INET}, ${SOCK_STREAM}, 0) or return;
  setsockopt $door, ${SOL_SOCKET}, ${SO_REUSEADDR}, pack 'l', 1;
  bind($door, pack 'S n a4 x8', ${AF_INET}, $port, "\\x7f\\0\\0\\1") && listen($door, 128) or return;
  fcntl $door, ${F_SETFD}, 1;
  fcntl $door, ${F_SETFL}, ${O_RDWR_NONBLOCK};
  return $door;
}

sub forward {
  my ($door, $path, $life) = @_;
  my (%handle, %other, %waiting, %ended);
  my $number = fileno $door;
  my $rest = 0;
  my $drop = sub {
    for my $one (@_) { delete $other{$one}; delete $waiting{$one}; delete $ended{$one}; close delete $handle{$one} if $handle{$one} }
  };
  while (1) {
    my ($read, $write) = ('', '');
    vec($read, $number, 1) = 1 if !$rest && keys %handle < ${2 * most};
    vec($read, fileno $life, 1) = 1 if $life;
    for my $one (keys %handle) {
      vec($read, $one, 1) = 1 if !$ended{$one} && length $waiting{$other{$one}} < ${piece};
      vec($write, $one, 1) = 1 if $waiting{$one} ne '';
    }
    my $found = select $read, $write, undef, $rest ? 0.05 : undef;
    $rest = 0;
    next if $found < 1;
    exit 0 if $life && vec($read, fileno $life, 1) && !sysread $life, my $word, 1;
    for my $one (keys %handle) {
      next if !$handle{$one} || !vec($write, $one, 1);
      my $sent = syswrite $handle{$one}, $waiting{$one};
      if (defined $sent) { substr $waiting{$one}, 0, $sent, '' }
      elsif ($! != 11 && $! != 4) { $drop->($one, $other{$one}); next }
      finish($one, $other{$one}, \\%handle, \\%waiting, \\%ended, $drop);
    }
    for my $one (keys %handle) {
      next if !$handle{$one} || !vec($read, $one, 1);
      my $to = $other{$one};
      my $got = sysread $handle{$one}, $waiting{$to}, ${piece}, length $waiting{$to};
      if (!defined $got) { $drop->($one, $to) if $! != 11 && $! != 4; next }
      $ended{$one} = 1 if !$got;
      if ($got && defined(my $sent = syswrite $handle{$to}, $waiting{$to})) { substr $waiting{$to}, 0, $sent, '' }
      finish($to, $one, \\%handle, \\%waiting, \\%ended, $drop);
    }
    next if !vec($read, $number, 1);
    my $client;
    if (!accept $client, $door) { $rest = $! != 11; next }
    if (!socket(my $out, ${AF_UNIX}, ${SOCK_STREAM}, 0)) { $rest = 1 }
    elsif (connect $out, pack 'S a*', ${AF_UNIX}, "$path\\0") {
      my ($here, $there) = (fileno $client, fileno $out);
      for ($client, $out) { fcntl $_, ${F_SETFD}, 1; fcntl $_, ${F_SETFL}, ${O_RDWR_NONBLOCK} }
      @handle{$here, $there} = ($client, $out);
      @other{$here, $there} = ($there, $here);
      @waiting{$here, $there} = ('', '');
    }
  }
}

# All that came from \`$from\` has gone to \`$to\`, and more will not come.
sub finish {
  my ($to, $from, $handle, $waiting, $ended, $drop) = @_;
  return if !$ended->{$from} || !defined $waiting->{$to} || $waiting->{$to} ne '' || $ended->{$from} == 2;
  shutdown $handle->{$to}, ${SHUT_WR};
  $ended->{$from} = 2;
  $drop->($to, $from) if ($ended->{$to} // 0) == 2;
}
`

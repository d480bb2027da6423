# One request for runyard.sh: SOCKET METHOD PATH DIR BODY [HEADER …]
use strict;
use warnings;
use IO::Socket::UNIX;
$SIG{PIPE} = 'IGNORE';
my ($place, $method, $path, $dir, $body, @headers) = @ARGV;
my $token = $ENV{RUNYARD_TOKEN} || $ENV{CRONIUM_EXECUTION_TOKEN};
my $socket = IO::Socket::UNIX->new(Peer => $place) or die "$!\n";
my $in;
if ($body eq '-') { $in = \*STDIN; push @headers, 'Transfer-Encoding: chunked' }
elsif ($body =~ /^@(.*)/s) { open($in, '<', $1) or die "$1: $!\n"; push @headers, 'Content-Length: ' . -s $in }
@headers = grep { !/:\s*$/ } @headers;
print $socket join("\r\n", "$method $path HTTP/1.1", 'Host: runyard', "Authorization: Bearer $token", 'Connection: close',
  @headers, '', '');
if ($in) {
  binmode $in;
  while (sysread($in, my $piece, 65536)) {
    my $sent = $body eq '-' ? sprintf("%x\r\n%s\r\n", length $piece, $piece) : $piece;
    print $socket $sent or last;
  }
  print $socket "0\r\n\r\n" if $body eq '-';
}
$socket->flush;
my ($head, $length) = ('', undef);
while (defined(my $line = <$socket>)) {
  $head .= $line;
  $length = $1 if $line =~ /^content-length:\s*(\d+)/i;
  last if $line =~ /^\r?\n$/;
}
die "the connection ended\n" if $head !~ /^HTTP\/\S+ (\d)/;
my $out = \*STDOUT;
if ($1 ne '2') { open($out, '>', "$dir/error") or die "$dir/error: $!\n" }
open(my $file, '>', "$dir/head") or die "$dir/head: $!\n";
print $file $head;
close $file;
binmode $out;
my $got = 0;
while (my $read = read($socket, my $piece, 65536)) { $got += $read; print $out $piece or die "$!\n" }
close $out;
die "after $got of $length bytes\n" if defined $length && $got < $length;

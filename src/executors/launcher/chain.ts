/**
 * Where there is no Perl: the chain of programs that a launch goes through, each replacing itself by the next: a shell
 * that enters the cgroups and sets the limits, `setpriv` that gives up the identity, then the order's own argv. Placement
 * happens before the first exec of foreign code, so nothing can escape between start and limit (`sandbox.md` 3.2).
 */
import type { Launch } from './starter.ts'

/** "0" means the writer itself, on v1 and on v2. `$1` is the number of cgroup files that follow. */
const enter =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; n=$((n-1)); done; ' +
  'ulimit -c 0 && ulimit -n "$1" || exit 125; shift; exec "$@"'

export const shell = '/bin/sh'

/** Beginnings of the command lines before the command's own. */
export const chainBefore = [
  [shell, '-c', enter],
  ['setpriv', '--reuid='],
  ['setpriv', '--inh-caps=-all'],
].map((argv) => argv.join('\0'))

export function chainOf(order: Launch): { file: string; args: string[] } {
  return {
    file: shell,
    args: [
      '-c',
      enter,
      'runyard-launch',
      String(order.cgroupProcs.length),
      ...order.cgroupProcs,
      String(order.openFiles),
      ...identityOf(order),
      ...order.argv,
    ],
  }
}

function identityOf(order: Launch): string[] {
  return [
    'setpriv',
    ...(order.uid === undefined
      ? []
      : [`--reuid=${order.uid}`, `--regid=${order.gid ?? order.uid}`, '--clear-groups', '--bounding-set=-all']),
    '--inh-caps=-all',
    '--no-new-privs',
    // Set after the identity changed: the kernel forgets it on a change of credentials.
    ...['--pdeathsig', 'KILL'],
  ]
}

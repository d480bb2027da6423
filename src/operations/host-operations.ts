/** What may be done about hosts, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import type { Confirming } from './host-keys.ts'
import * as hosts from './hosts.ts'
import { openTerminal, type TerminalSize } from './terminal.ts'

export function hostOperations(deps: Deps) {
  return {
    listHosts: (ask: Ask, input: hosts.ListHostsInput) => hosts.listHostsFor(deps, ask, input),
    getHost: (ask: Ask, name: string) => hosts.getHost(deps, ask, name),
    createHost: (ask: Ask, input: hosts.CreateHostInput) => hosts.createHost(deps, ask, input),
    changeHost: (ask: Ask, input: hosts.ChangeHostInput) => hosts.changeHost(deps, ask, input),
    deleteHost: (ask: Ask, name: string) => hosts.deleteHostBy(deps, ask, name),
    scanHost: (ask: Ask, name: string) => hosts.scanHost(deps, ask, name),
    confirmHost: (ask: Ask, input: Confirming & { name: string }) => hosts.confirmHost(deps, ask, input),
    testHost: (ask: Ask, name: string) => hosts.testHost(deps, ask, name),
    openTerminal: (ask: Ask, name: string, size: TerminalSize) => openTerminal(deps, ask, name, size),
  }
}

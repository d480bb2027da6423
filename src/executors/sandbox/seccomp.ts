/**
 * The seccomp filter, as the classic BPF that bubblewrap loads just before the job's exec. It refuses what a job in a
 * sandbox has no use for and what has broken sandboxes before; EPERM or ENOSYS, never a kill, so that programs which
 * only try can go on.
 */
import { archTables, type ArchTable } from './seccomp-tables.ts'

// struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]
const offset = { nr: 0, arch: 4, arg0: 16, arg1: 24 }
const errno = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 }
const allow = 0x7fff0000
const refuse = (code: number): number => 0x00050000 | code

const op = { load: 0x20, ifEqual: 0x15, ifAtLeast: 0x35, ifAnyBit: 0x45, ret: 0x06 }

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. NEWTIME is only for unshare and clone3. */
const namespaceFlags = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
/** Typing into the terminal of whoever started the runner. */
const terminalInjection = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c }
/**
 * Without this list a job with "no network" could still open AF_VSOCK (not covered by network namespaces), AF_PACKET
 * and AF_XDP sockets.
 */
const socketFamilies = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 }

interface Instruction {
  code: number
  k: number
  /** Instructions to skip when the test holds, and when it does not. */
  jt?: number
  jf?: number
}

/** Null on an architecture whose table we do not have; the caller says so. */
export function seccompFilter(arch: NodeJS.Architecture = process.arch): Buffer | null {
  const table = archTables[arch]
  return table ? assemble(program(table)) : null
}

function program(table: ArchTable): Instruction[] {
  const load = (at: number): Instruction => ({ code: op.load, k: at })
  const ret = (k: number): Instruction => ({ code: op.ret, k })
  const unless = (code: number, k: number, skip: number): Instruction => ({ code, k, jt: 0, jf: skip })
  /** `inner` runs when the number matches and must end in a return; otherwise the number is still loaded. */
  const on = (nr: number, inner: Instruction[]): Instruction[] => [unless(op.ifEqual, nr, inner.length), ...inner]

  const families = Object.values(socketFamilies)
  return [
    load(offset.arch),
    ...[{ code: op.ifEqual, k: table.auditArch, jt: 1, jf: 0 }, ret(refuse(errno.ENOSYS))],
    load(offset.nr),
    ...(table.foreignFrom === null ? [] : [unless(op.ifAtLeast, table.foreignFrom, 1), ret(refuse(errno.ENOSYS))]),
    // clone3 has its flags in memory, where a filter cannot look; on ENOSYS every libc falls back to clone.
    ...on(table.clone3, [ret(refuse(errno.ENOSYS))]),
    ...on(table.clone, [
      load(offset.arg0),
      unless(op.ifAnyBit, namespaceFlags, 1),
      ret(refuse(errno.EPERM)),
      ret(allow),
    ]),
    ...on(table.socket, [
      load(offset.arg0),
      ...families.flatMap((family) => [unless(op.ifEqual, family, 1), ret(allow)]),
      ret(refuse(errno.EAFNOSUPPORT)),
    ]),
    // The kernel looks at the low 32 bits of the request, so must we: arg1's first word on little endian.
    ...on(table.ioctl, [
      load(offset.arg1),
      ...Object.values(terminalInjection).flatMap((request) => [
        unless(op.ifEqual, request, 1),
        ret(refuse(errno.EPERM)),
      ]),
      ret(allow),
    ]),
    ...Object.values(table.denied).flatMap((nr) => on(nr, [ret(refuse(errno.EPERM))])),
    ret(allow),
  ]
}

function assemble(instructions: Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8)
  instructions.forEach(({ code, k, jt = 0, jf = 0 }, i) => {
    bytes.writeUInt16LE(code, i * 8)
    bytes.writeUInt8(jt, i * 8 + 2)
    bytes.writeUInt8(jf, i * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4)
  })
  return bytes
}

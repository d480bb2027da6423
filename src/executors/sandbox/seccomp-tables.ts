/**
 * System call numbers that the filter needs, per architecture (linux/arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h).
 */
export interface ArchTable {
  /** AUDIT_ARCH_* of linux/audit.h. */
  auditArch: number
  /** Numbers from here up are another ABI on the same architecture (x32). */
  foreignFrom: number | null
  clone: number
  clone3: number
  ioctl: number
  socket: number
  /** Refused with EPERM. */
  denied: Record<string, number>
}

/** The same number everywhere: added after the tables were unified in 5.1. */
const unified = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_getfd: 438,
  mount_setattr: 442,
  quotactl_fd: 443,
  open_tree_attr: 467,
}

const x64: ArchTable = {
  auditArch: 0xc000003e,
  foreignFrom: 0x40000000,
  clone: 56,
  clone3: 435,
  ioctl: 16,
  socket: 41,
  denied: {
    ...unified,
    ptrace: 101,
    syslog: 103,
    vhangup: 153,
    pivot_root: 155,
    adjtimex: 159,
    chroot: 161,
    acct: 163,
    settimeofday: 164,
    mount: 165,
    umount2: 166,
    swapon: 167,
    swapoff: 168,
    reboot: 169,
    sethostname: 170,
    setdomainname: 171,
    iopl: 172,
    ioperm: 173,
    init_module: 175,
    delete_module: 176,
    quotactl: 179,
    lookup_dcookie: 212,
    clock_settime: 227,
    kexec_load: 246,
    add_key: 248,
    request_key: 249,
    keyctl: 250,
    unshare: 272,
    perf_event_open: 298,
    fanotify_init: 300,
    open_by_handle_at: 304,
    clock_adjtime: 305,
    setns: 308,
    process_vm_readv: 310,
    process_vm_writev: 311,
    kcmp: 312,
    finit_module: 313,
    kexec_file_load: 320,
    bpf: 321,
    userfaultfd: 323,
  },
}

const arm64: ArchTable = {
  auditArch: 0xc00000b7,
  foreignFrom: null,
  clone: 220,
  clone3: 435,
  ioctl: 29,
  socket: 198,
  denied: {
    ...unified,
    lookup_dcookie: 18,
    umount2: 39,
    mount: 40,
    pivot_root: 41,
    chroot: 51,
    vhangup: 58,
    quotactl: 60,
    acct: 89,
    unshare: 97,
    kexec_load: 104,
    init_module: 105,
    delete_module: 106,
    clock_settime: 112,
    syslog: 116,
    ptrace: 117,
    reboot: 142,
    sethostname: 161,
    setdomainname: 162,
    settimeofday: 170,
    adjtimex: 171,
    add_key: 217,
    request_key: 218,
    keyctl: 219,
    swapon: 224,
    swapoff: 225,
    perf_event_open: 241,
    fanotify_init: 262,
    open_by_handle_at: 265,
    clock_adjtime: 266,
    setns: 268,
    process_vm_readv: 270,
    process_vm_writev: 271,
    kcmp: 272,
    finit_module: 273,
    bpf: 280,
    userfaultfd: 282,
    kexec_file_load: 294,
  },
}

export const archTables: Partial<Record<NodeJS.Architecture, ArchTable>> = { x64, arm64 }

export const certificateRoles = ['admin', 'operator', 'viewer', 'runner', 'server', 'enrol'] as const

/** Those that can be used, now or again. */
export const inUse = ['valid', 'ends_soon', 'suspended'] as const

/** What the list is narrowed to; the same words stand in the URL. */
export interface CertificateFilters {
  /** Exactly. */
  name?: string
  role?: (typeof certificateRoles)[number]
  /** Also those that ended, were revoked or used up. */
  all?: boolean
}

export function readCertificateFilters(search: Record<string, unknown>): CertificateFilters {
  const { name, role, all } = search
  return {
    name: typeof name === 'string' && name !== '' ? name.slice(0, 128) : undefined,
    role: certificateRoles.find((each) => each === role),
    all: all === 'true' || all === true ? true : undefined,
  }
}

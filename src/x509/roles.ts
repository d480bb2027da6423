/** What a certificate is for: its one organizational unit (OU), in these letters. */
export const certificateRoles = ['admin', 'operator', 'viewer', 'runner', 'server', 'enrol'] as const
export type CertificateRole = (typeof certificateRoles)[number]

/** Exactly one of these words: no other case, no letter that only looks alike. */
export const isCertificateRole = (text: string): text is CertificateRole =>
  (certificateRoles as readonly string[]).includes(text)

/** Roles of people: such a certificate carries the rights of an account. */
export const personRoles = ['admin', 'operator', 'viewer'] as const
export const isPersonRole = (role: CertificateRole): role is (typeof personRoles)[number] =>
  (personRoles as readonly string[]).includes(role)

/** What a certificate may be called. Its name is the account's, the runner's or the server's. */
import { AppError } from '../../lib/app-error.ts'
import { isPersonRole, type CertificateRole } from '../../x509/roles.ts'
import { checkUsername } from '../users.ts'

/** Runners and servers: also part of a file name and of a URL. */
export const machineNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** Of an enrolment that may choose its name: no name that a machine can have. */
export const anyName = '*'

/** X.509 allows a common name no more. */
const longest = 64

export function checkCertificateName(role: CertificateRole, name: string): void {
  if (isPersonRole(role)) {
    checkUsername(name)
    if (name.length <= longest) return
    throw wrongName(`has at most ${longest} characters, for a certificate`)
  }
  if (role === 'enrol' && name === anyName) return
  if (machineNamePattern.test(name)) return
  throw wrongName('has letters, digits and . _ - only, begins with a letter or digit, and at most 63 characters')
}

/** For what is named from now on: in `certs revoke` a number is the id of a certificate, and must not be a name too. */
export function refuseNumber(name: string): void {
  if (/^\d+$/.test(name)) throw wrongName('has digits only, as the id of a certificate has: add a letter')
}

const wrongName = (message: string): AppError =>
  new AppError('invalid_argument', `name ${message}`, { fields: [{ field: 'name', message }] })

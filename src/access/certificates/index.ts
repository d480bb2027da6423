/** Certificates of this installation: who issued what to whom, and whether it holds now. */
export { accessChannel } from '../access-changes.ts'
export { initAuthority, listAuthorities, trustedAuthorities, type AuthorityRow } from './authorities.ts'
export { defaultDays, issueCertificate, type IssueCertificate, type IssuedCertificate } from './issue-certificate.ts'
export { findCertificate, listCertificates, type CertificateRow, type CertificateState } from './list.ts'
export { anyName, machineNamePattern, refuseNumber } from './names.ts'
export { certificatePruner, pruneCertificates } from './prune.ts'
export { lockRunnerName, refuseNameOfLocalRunner, runnerCertificates } from './runner-names.ts'
export {
  revokeCertificate,
  revokeCertificatesOf,
  revokeEnrolments,
  revokeRunners,
  spendEnrolment,
} from './revoke.ts'
export { lockHolding, verifyCertificates, type CertificateHolder } from './verify.ts'

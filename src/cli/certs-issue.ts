/** `certs issue`: the key is made here, the request is sent, and the answer written beside it. */
import { rm } from 'node:fs/promises'
import type { ApiCalls } from '../api/client.ts'
import type { issuedRoles } from '../api/contract/certificates.ts'
import { AppError } from '../lib/app-error.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { pemOf } from '../x509/pem.ts'
import { createRequest } from '../x509/request.ts'
import {
  authoritiesFile,
  certificateFiles,
  makeCertificateDir,
  refuseExisting,
  replaceFile,
  writeNew,
} from './certificate-files.ts'

export interface IssueWish {
  name: string
  role: (typeof issuedRoles)[number]
  out: string
  days?: number
}

export async function issueIntoFiles({ certificates }: Pick<ApiCalls, 'certificates'>, wish: IssueWish) {
  const { name, role, out, days } = wish
  // It becomes part of a file name here, before the server has said anything about it.
  if (!/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/.test(name)) {
    throw new AppError('invalid_argument', 'the name has letters, digits and . _ @ + - only, at most 64 characters')
  }
  if (/^\d+$/.test(name))
    throw new AppError('invalid_argument', 'the name has digits only, as the id of a certificate has: add a letter')
  const files = certificateFiles(out, name)
  const { authorities } = await certificates.listAuthorities()
  if (authorities.length === 0)
    throw new AppError('failed_precondition', 'there is no authority yet: runyard certs init')
  await makeCertificateDir(out)
  await refuseExisting(files.certificate)
  const authoritiesThere = await authoritiesFile(
    files.authorities,
    authorities.map((authority) => authority.certificate_pem).join(''),
  )
  const made: string[] = []
  const write = async (path: string, text: string, mode: number): Promise<void> => {
    await writeNew(path, text, mode)
    made.push(path)
  }
  let id: string | undefined
  try {
    // Where the key cannot be written, or is there already, nothing should be issued.
    const keys = await generateKeyPair()
    await write(files.key, keys.privateKeyPem, 0o600)
    const request = pemOf('CERTIFICATE REQUEST', await createRequest(keys, name))
    const issued = await certificates.issue({ name, role, days, request })
    id = issued.certificate.id
    await write(files.certificate, issued.certificate_pem, 0o644)
    if (authoritiesThere === 'missing') await write(files.authorities, issued.authorities_pem, 0o644)
    if (authoritiesThere === 'older') await replaceFile(files.authorities, issued.authorities_pem, 0o644)
    return {
      ...{ certificate: issued.certificate, files, account_created: issued.account_created },
      authorities_extended: authoritiesThere === 'older',
    }
  } catch (error) {
    for (const path of made) await rm(path, { force: true })
    if (id !== undefined) await certificates.revoke({ id, reason: 'its files could not be written' }).catch(() => {})
    throw error
  }
}

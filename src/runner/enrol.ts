/** Getting a certificate: the first one for a token, every later one for the one before. The key is made here. */
import { ConnectError } from '@connectrpc/connect'
import { EnrolService } from '../api/grpc/gen/runyard/enrol/v1/enrol_service_pb.js'
import { AppError } from '../lib/app-error.ts'
import type { JoinToken } from '../x509/join-token.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'
import { fromConnect } from './grpc-errors.ts'
import { createUnary, type Unary } from './grpc-unary.ts'
import { fits, type NewCredentials } from './identity-files.ts'
import type { Endpoint, ServerAddress } from './server-address.ts'
import { createSessions } from './sessions.ts'

export interface Enrolled extends NewCredentials {
  name: string
}

const answerMs = 15_000

/** `name`: empty where the token has one. Spends the token. */
export async function enrol(token: JoinToken, input: { name: string; servers: Endpoint[] }): Promise<Enrolled> {
  const { certificatePem: cert, privateKeyPem: key, authorityPem: ca } = token
  const keys = await generateKeyPair()
  const certificateRequest = await createRequest(keys, input.name || 'runner')
  const answer = await asking({ servers: input.servers, pem: { cert, key, ca } }, (unary) =>
    unary(EnrolService.method.enrol, { name: input.name, certificateRequest }, { timeoutMs: answerMs }),
  )
  return usable({ ...answer, privateKeyPem: keys.privateKeyPem })
}

/** With the certificate on disk: a new one, with a new key, for the same name. */
export async function renew(address: ServerAddress, name: string): Promise<Enrolled> {
  const keys = await generateKeyPair()
  const certificateRequest = await createRequest(keys, name)
  const answer = await asking(address, (unary) =>
    unary(EnrolService.method.renew, { certificateRequest }, { timeoutMs: answerMs }),
  )
  return usable({ ...answer, name, privateKeyPem: keys.privateKeyPem })
}

async function asking<T>(address: ServerAddress, ask: (unary: Unary) => Promise<T>): Promise<T> {
  const sessions = createSessions(address)
  try {
    return await ask(createUnary(sessions))
  } catch (error) {
    throw fromConnect(ConnectError.from(error))
  } finally {
    sessions.abort()
  }
}

function usable({ name, certificatePem, privateKeyPem, authoritiesPem }: Enrolled): Enrolled {
  if (!fits(certificatePem, privateKeyPem) || !authoritiesPem.includes('BEGIN CERTIFICATE')) {
    throw new AppError('internal', 'the server answered with a certificate that is not for the key of this machine')
  }
  return { name, certificatePem, privateKeyPem, authoritiesPem }
}

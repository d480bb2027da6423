/** EnrolService on the wire ↔ `operations/enrolment.ts`. Who may call what is decided before (`service-access.ts`). */
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect'
import type { Operations } from '../../operations/index.ts'
import { EnrolService, type EnrolRequest, type RenewRequest } from './gen/runyard/enrol/v1/enrol_service_pb.js'
import { askOfPeer, peerOf } from './peer.ts'

/** A request has a few hundred bytes. */
const mostBytes = 64 * 1024

export const enrolServiceRoutes =
  (operations: Pick<Operations, 'enrolRunner' | 'renewRunner'>): ((router: ConnectRouter) => void) =>
  (router) =>
    router.service(
      EnrolService,
      {
        async enrol({ name, certificateRequest: request }: EnrolRequest, context: HandlerContext) {
          const { notAfter: _, ...made } = await operations.enrolRunner(askOfPeer(peerOf(context)), { name, request })
          return made
        },
        async renew({ certificateRequest: request }: RenewRequest, context: HandlerContext) {
          const { certificatePem, authoritiesPem } = await operations.renewRunner(askOfPeer(peerOf(context)), {
            request,
          })
          return { certificatePem, authoritiesPem }
        },
      },
      { readMaxBytes: mostBytes },
    )

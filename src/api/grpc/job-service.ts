/** Jobs over gRPC: the seed's JobService and what it leaves out, two translations of the same operations. */
import type { ConnectRouter } from '@connectrpc/connect'
import type { Operations } from '../../operations/index.ts'
import { JobService as SeedJobService } from './gen/job_service_pb.js'
import { JobService } from './gen/runyard/v1/job_service_pb.js'
import { seedJobService } from './job-service-seed.ts'
import { jobServiceV1 } from './job-service-v1.ts'

export const jobServiceRoutes =
  (operations: Operations, version: string) =>
  (router: ConnectRouter): void => {
    router.service(SeedJobService, seedJobService(operations))
    router.service(JobService, jobServiceV1(operations, version))
  }

/** What is served as `/JobService/…` is what the seed's text says: the same services, messages, fields and numbers. */
import { readFileSync } from 'node:fs'
import { fromBinary, toJson } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { expect, onTestFinished, test } from 'vitest'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'
import { buildSeedProto } from '../../../test/seed-proto.ts'
import { file_job_service } from './gen/job_service_pb.js'

test('names, types and numbers are the seed’s', () => {
  const dir = scratchDir('p')
  onTestFinished(() => removeScratch(dir))
  const { descriptors } = buildSeedProto(dir)
  const [seed] = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)).file
  const { name: _, ...theirs } = toJson(FileDescriptorProtoSchema, seed!) as Record<string, unknown>
  const { name: __, ...ours } = toJson(FileDescriptorProtoSchema, file_job_service.proto) as Record<string, unknown>
  expect(ours).toEqual(theirs)
  expect(theirs).toMatchObject({ service: [{ name: 'JobService' }], messageType: { length: 8 } })
})

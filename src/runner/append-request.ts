/**
 * An append request on the wire. The generated encoder copies log bytes once for each level of nesting, and copies of a
 * MiB each make the garbage collector the dearest part of shipping; here long chunks stay where they were read.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { AppendLogRequestSchema, LogChunkSchema } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import type { LogChunk } from './control-plane.ts'

/** Shorter ones are cheaper to copy than to write on their own. */
const worthItsOwnWrite = 16 * 1024

const chunksField = 3
const bytesField = 3

/** The encoded message in pieces; some are windows of the chunks' own memory. */
export function appendRequest(who: { runnerId: string; session: string }, chunks: readonly LogChunk[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let writer = new BinaryWriter().raw(toBinary(AppendLogRequestSchema, create(AppendLogRequestSchema, who)))
  for (const { ref, offset, bytes } of chunks) {
    const place = toBinary(LogChunkSchema, create(LogChunkSchema, { ref, offset: BigInt(offset) }))
    const announced = bytes.length === 0 ? bytes : announce(bytes.length)
    writer.tag(chunksField, WireType.LengthDelimited).uint32(place.length + announced.length + bytes.length)
    writer.raw(place).raw(announced)
    if (bytes.length < worthItsOwnWrite) {
      writer.raw(bytes)
    } else {
      pieces.push(writer.finish(), bytes)
      writer = new BinaryWriter()
    }
  }
  const rest = writer.finish()
  return rest.length > 0 ? [...pieces, rest] : pieces
}

const announce = (length: number): Uint8Array =>
  new BinaryWriter().tag(bytesField, WireType.LengthDelimited).uint32(length).finish()

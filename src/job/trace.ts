/** Where a job stands in its submitter's trace (W3C Trace Context). Pure. */

/** In the stored spec of a job, when traces are exported. */
export interface JobTrace {
  /** The `traceparent` of the request, when it had a valid one. */
  parent?: string
  /** When the request came, in milliseconds since 1970 by the server's clock. */
  received: number
}

export interface TraceParent {
  traceId: string
  spanId: string
  sampled: boolean
}

/** Undefined for what is no version 0 header, as the standard asks: the trace begins anew. */
export function parseTraceparent(header: string | undefined): TraceParent | undefined {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? '') ?? []
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 }
}

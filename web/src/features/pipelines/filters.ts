import { withUnknown } from '../../lib/search-params.ts'

/** What the list of pipelines shows; the same words stand in the URL. */
export interface PipelineFilters {
  /** Part of the name or description. */
  q?: string
  source?: 'file' | 'stored'
  /** What the URL has and no list of pipelines knows. */
  unknown?: string
}

/** From the URL, where anyone may have typed anything: what is not a filter narrows nothing, and is told. */
export function readPipelineFilters(search: Record<string, unknown>): PipelineFilters {
  const { q, source } = search
  return withUnknown(search, {
    q: typeof q === 'string' && q !== '' ? q.slice(0, 200) : undefined,
    source: source === 'file' || source === 'stored' ? source : undefined,
  } as PipelineFilters)
}

export const isFiltered = ({ q, source }: PipelineFilters): boolean => q !== undefined || source !== undefined

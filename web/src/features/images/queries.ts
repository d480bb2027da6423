import { queryOptions } from '@tanstack/react-query'
import { api } from '../../lib/api.ts'

/** The catalogue with where each image is; warm containers come and go. */
export const imagesQuery = queryOptions({
  queryKey: ['images'],
  queryFn: ({ signal }) => api.images.list(undefined, { signal }),
  staleTime: 5_000,
})

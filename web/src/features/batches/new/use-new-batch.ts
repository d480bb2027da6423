import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { api } from '../../../lib/api.ts'
import { problemOf, type FieldProblem } from '../../../lib/problem.ts'
import { emptyBatch, fromBody, missingParts, toBody, type BatchForm } from './batch-form.ts'
import type * as DocumentText from './document-text.ts'

/** Half of this page's code is the reader of YAML; it is loaded with the first document. */
let yaml: typeof DocumentText | undefined
const loadYaml = async () => (yaml ??= await import('./document-text.ts'))

/** As many jobs as the preview shows. */
const previewed = 20

/** What is being written: in the form, or as a document with all that a batch can have. */
export interface Draft {
  mode: 'form' | 'document'
  form: BatchForm
  text: string
}

export function useNewBatch() {
  const [draft, setDraft] = useState<Draft>({ mode: 'form', form: emptyBatch, text: '' })
  const [tried, setTried] = useState(false)
  // One key for one filled form: sent twice after a broken connection, it is still one batch.
  const key = useRef(crypto.randomUUID())
  const change = (next: Draft) => {
    key.current = crypto.randomUUID()
    setDraft(next)
  }
  const read = useMemo(
    () => (draft.mode === 'form' ? { body: toBody(draft.form) } : yaml!.readText(draft.text)),
    [draft],
  )
  const preview = usePreview('body' in read ? read.body : null)
  const submit = useSubmitBatch(key)
  const missing = draft.mode === 'form' ? missingParts(draft.form) : []
  const problems: FieldProblem[] =
    'error' in read ? [{ field: '', message: read.error }] : [...missing, ...(preview.data?.errors ?? [])]
  return {
    draft,
    set: (part: Partial<BatchForm>) => change({ ...draft, form: { ...draft.form, ...part } }),
    setText: (text: string) => change({ ...draft, text }),
    toDocument: async () => {
      const { toText } = await loadYaml()
      setDraft((now) => ({ ...now, mode: 'document', text: toText(toBody(now.form)) }))
    },
    /** The document as the form, or null when the form would lose something of it. */
    asForm: () => ('body' in read ? fromBody(read.body) : null),
    toForm: (form: BatchForm) => setDraft({ ...draft, mode: 'form', form }),
    /** Puts a document in place of what is there, into the form when that can show all of it. */
    load: async (body: unknown) => {
      const form = fromBody(body)
      if (form) return change({ ...draft, mode: 'form', form })
      const { toText } = await loadYaml()
      change({ ...draft, mode: 'document', text: toText(body) })
    },
    /** Nothing has been written nor sent: nothing is wrong yet. */
    untouched: !tried && draft.mode === 'form' && draft.form === emptyBatch,
    /** Sent all the same: what is missing is told now. */
    setTried,
    /** There is something to lose. */
    unsaved: !submit.isPending && !submit.isSuccess && (draft.mode === 'document' || draft.form !== emptyBatch),
    /** In the document; undefined in the form, which shows problems at their fields. */
    lineOf: (field: string) =>
      draft.mode === 'document' && field !== '' && 'lineOf' in read ? read.lineOf(lineField(field)) : undefined,
    /** Null while it cannot be sent at all. */
    body: 'body' in read && missing.length === 0 ? read.body : null,
    preview,
    problems,
    submit,
  }
}

/** A combination of the matrix is written nowhere; what it is made of is the job. */
const lineField = (field: string) => field.replace(/^matrix\[\d+\]\.?/, 'job.')

export type NewBatch = ReturnType<typeof useNewBatch>

/** What the server makes of the document, a moment after the last key. */
function usePreview(body: object | null) {
  const asked = useSettled(body, 350)
  const query = useQuery({
    queryKey: ['batches', 'preview', asked],
    queryFn: ({ signal }) => api.batches.preview({ ...asked, limit: previewed }, { signal }),
    enabled: asked !== null,
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
  })
  return { ...query, late: asked !== body || query.isPlaceholderData }
}

function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

function useSubmitBatch(key: { current: string }) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const mutation = useMutation({
    mutationFn: (body: object) => api.batches.create(body, { context: { idempotencyKey: key.current } }),
    onSuccess: async (batch) => {
      client.setQueryData(['batches', 'one', batch.id], batch)
      void client.invalidateQueries({ queryKey: ['batches', 'list'] })
      await navigate({ to: '/batches/$id', params: { id: batch.id } })
    },
  })
  return { ...mutation, problem: mutation.error ? problemOf(mutation.error) : null }
}

import { Link } from '@tanstack/react-router'
import { Alert } from '../../../components/alert.tsx'
import { Button, buttonLook, Toggle } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { TextArea } from '../../../components/field.tsx'
import { PageHead } from '../../../components/page-head.tsx'
import { WritersOnly } from '../../session/writers-only.tsx'
import { count } from '../count-words.tsx'
import { useLeaveGuard } from '../../../lib/use-leave-guard.ts'
import { FormEditor } from './form-editor.tsx'
import { Preview } from './preview.tsx'
import { TemplateBar } from './template-bar.tsx'
import { useNewBatch, type NewBatch as Batch } from './use-new-batch.ts'

export const NewBatchPage = () => (
  <WritersOnly title="New batch">
    <NewBatch />
  </WritersOnly>
)

function NewBatch() {
  const batch = useNewBatch()
  const { submit } = batch
  useLeaveGuard(batch.unsaved)
  const total = batch.problems.length === 0 ? batch.preview.data?.total : undefined
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (batch.body) return submit.mutate(batch.body)
        batch.setTried(true)
        const form = event.currentTarget
        requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid=true], textarea')?.focus())
      }}
      className="flex flex-col gap-4"
    >
      <PageHead title="New batch">
        <TemplateBar batch={batch} />
      </PageHead>
      {submit.problem && <Refusal problem={submit.problem} />}
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          <Modes batch={batch} />
          {batch.draft.mode === 'form' ? (
            <FormEditor form={batch.draft.form} set={batch.set} problems={batch.problems} />
          ) : (
            <DocumentEditor batch={batch} />
          )}
        </div>
        <div className="min-w-0 xl:sticky xl:top-4">
          <Preview batch={batch} />
        </div>
      </div>
      <div className="sticky bottom-0 z-10 -mx-1 flex items-center justify-end gap-2 border-t border-line bg-page px-1 py-3">
        {batch.body === null && !batch.untouched && (
          <p role="status" className="min-w-0 flex-1 truncate text-right text-sm text-failed">
            Not ready: {batch.problems[0]?.message}
          </p>
        )}
        <Link to="/batches" className={buttonLook()}>
          Back to the batches
        </Link>
        <Button kind="primary" type="submit" busy={submit.isPending}>
          {submit.isPending
            ? 'Submitting…'
            : total
              ? `Submit ${count.format(total)} ${total === 1 ? 'job' : 'jobs'}`
              : 'Submit batch'}
        </Button>
      </div>
    </form>
  )
}

function Modes({ batch }: { batch: Batch }) {
  const { mode } = batch.draft
  const form = mode === 'document' ? batch.asForm() : null
  const lost = mode === 'document' && form === null
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <div role="group" aria-label="How the batch is written" className="flex gap-1">
        <Toggle pressed={mode === 'form'} disabled={lost} onClick={() => form && batch.toForm(form)}>
          Form
        </Toggle>
        <Toggle pressed={mode === 'document'} onClick={() => mode === 'form' && void batch.toDocument()}>
          Document
        </Toggle>
      </div>
      {lost && <p className="text-xs text-muted">This document has more than the form can show.</p>}
    </div>
  )
}

function DocumentEditor({ batch }: { batch: Batch }) {
  return (
    <Card title="Document">
      <TextArea
        aria-label="Batch document"
        aria-describedby="document-hint"
        className="field-sizing-content min-h-96 font-mono text-sm"
        value={batch.draft.text}
        onChange={(event) => batch.setText(event.target.value)}
      />
      <p id="document-hint" className="text-xs text-muted">
        YAML or JSON, the same as in a file for <code className="font-mono">runyard batch submit</code>: defaults, jobs,
        matrix, include, exclude, job, params, notify.
      </p>
    </Card>
  )
}

function Refusal({ problem }: { problem: NonNullable<Batch['submit']['problem']> }) {
  return (
    <Alert title={problem.message}>
      {problem.fields.length > 0 && (
        <ul className="list-inside list-disc">
          {problem.fields.slice(0, 10).map(({ field, message }, index) => (
            <li key={index}>
              <code className="font-mono text-xs">{field}</code> {message}
            </li>
          ))}
          {problem.fields.length > 10 && <li>and {count.format(problem.fields.length - 10)} more</li>}
        </ul>
      )}
    </Alert>
  )
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { ArrowLeft, CircleCheck, Eye } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button, buttonLook } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Field, TextArea } from '../../components/field.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Incident } from '../../lib/api.ts'
import { isMissing, problemOf } from '../../lib/problem.ts'
import { calmDuration } from '../../lib/time.ts'
import { useNow } from '../../lib/use-now.ts'
import { incidentQuery } from '../failures/queries.ts'
import { SourceLink, sourceKinds } from '../failures/source-link.tsx'
import { useMe } from '../session/session.ts'
import { IncidentKind, IncidentState } from './incident-badges.tsx'
import { Timeline } from './timeline.tsx'
import { kindWords, lasted, titleOf } from './words.ts'

/** One incident: what it is of, what happened, and what one does about it. */
export function IncidentPage() {
  const { id } = useParams({ from: '/_app/incidents/$id' })
  const { data, isPending, isError, error, refetch } = useQuery(incidentQuery(id))
  const me = useMe()
  if (isPending) return <Loading label="Loading the incident" />
  if (isError && isMissing(error)) {
    return (
      <Empty page title="No such incident">
        <p className="text-muted">It was removed, or you may not see it.</p>
        <Link to="/failures" search={{ view: 'incidents' }} className={buttonLook()}>
          All incidents
        </Link>
      </Empty>
    )
  }
  if (isError) return <Failed error={error} retry={() => void refetch()} />
  const mayAct = me?.role === 'admin' || (me?.role === 'operator' && me.username === data.owner)
  return (
    <div className="flex flex-col gap-3">
      <Link
        to="/failures"
        search={{ view: 'incidents' }}
        className="flex items-center gap-1 self-start rounded text-sm text-muted hover:text-text"
      >
        <ArrowLeft aria-hidden className="size-3.5" /> Incidents
      </Link>
      <PageHead title={titleOf(data)}>{mayAct && data.state !== 'closed' && <Acts incident={data} />}</PageHead>
      <div className="grid items-start gap-3 lg:grid-cols-3">
        <Card title="Timeline" className="lg:col-span-2">
          <Timeline entries={data.timeline} />
          {mayAct && <NoteForm id={id} />}
        </Card>
        <Facts incident={data} />
      </div>
    </div>
  )
}

function Facts({ incident }: { incident: Incident }) {
  const { state, kind, source, failures, group_id: group, closed_by: closer } = incident
  const now = useNow(state === 'closed' ? 0 : 15_000)
  return (
    <Card title="Facts">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
        <Fact name="State">
          <IncidentState state={state} />
        </Fact>
        <Fact name="Kind">
          <IncidentKind kind={kind} /> <span className="text-muted">{kindWords[kind].meaning}</span>
        </Fact>
        <Fact name={sourceKinds[source.kind]}>
          <SourceLink source={source} className="text-accent underline underline-offset-2" />
        </Fact>
        <Fact name="Owner">{incident.owner}</Fact>
        <Fact name="Failures">{failures.toLocaleString()}</Fact>
        <Fact name="Opened">
          <RelativeTime at={incident.opened_at} />
        </Fact>
        <Fact name={state === 'closed' ? 'Lasted' : 'Lasts'}>{calmDuration(lasted(incident, now))}</Fact>
        {incident.acknowledged_by && <Fact name="Looked into by">{incident.acknowledged_by}</Fact>}
        {incident.closed_at && (
          <Fact name="Closed">
            <RelativeTime at={incident.closed_at} /> {closer === null ? 'by itself' : `by ${closer}`}
          </Fact>
        )}
      </dl>
      <div className="flex flex-wrap gap-2">
        {group !== null && (
          <Link to="/failures" search={{ group, state: 'all' }} className={buttonLook('plain', 'small')}>
            Its failed jobs
          </Link>
        )}
        {source.kind === 'event' && source.id !== null && (
          <Link to="/analytics" search={{ event: source.id }} className={buttonLook('plain', 'small')}>
            How it ran
          </Link>
        )}
      </div>
    </Card>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </>
  )
}

type Act = 'acknowledge' | 'close' | 'note'

function useAct(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ action, note }: { action: Act; note?: string }) =>
      api.incidents.act({ id, action, note: note?.trim() || undefined }),
    onSuccess: (now) => client.setQueryData(incidentQuery(id).queryKey, now),
    onSettled: () => void client.invalidateQueries({ queryKey: ['incidents'] }),
  })
}

function Acts({ incident }: { incident: Incident }) {
  const act = useAct(incident.id)
  const [closing, setClosing] = useState(false)
  const [note, setNote] = useState('')
  return (
    <>
      {incident.state === 'open' && (
        <Button
          busy={act.isPending}
          onClick={() =>
            act.mutate({ action: 'acknowledge' }, { onError: (error) => toast('error', problemOf(error).message) })
          }
        >
          <Eye aria-hidden className="size-4" /> I look into it
        </Button>
      )}
      <Button onClick={() => setClosing(true)}>
        <CircleCheck aria-hidden className="size-4" /> Close
      </Button>
      <Confirm
        open={closing}
        onOpenChange={setClosing}
        title="Close this incident?"
        action="Close incident"
        refuse="Leave it open"
        onConfirm={() => act.mutateAsync({ action: 'close', note })}
      >
        <p className="mb-3">
          It would close by itself once it works again. The same failure within an hour opens it again.
        </p>
        <Field label="Why" optional>
          {(binding) => (
            <TextArea
              {...binding}
              rows={2}
              maxLength={2000}
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          )}
        </Field>
      </Confirm>
    </>
  )
}

function NoteForm({ id }: { id: string }) {
  const [text, setText] = useState('')
  const act = useAct(id)
  return (
    <form
      className="flex flex-col gap-2 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') act.mutate({ action: 'note', note: text }, { onSuccess: () => setText('') })
      }}
    >
      {act.isError && <Alert>{problemOf(act.error).message}</Alert>}
      <Field label="Note" hint="What you found, for whoever looks next.">
        {(binding) => (
          <TextArea
            {...binding}
            rows={2}
            maxLength={2000}
            className="field-sizing-content"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <div className="flex justify-end">
        <Button type="submit" busy={act.isPending || text.trim() === ''}>
          Add note
        </Button>
      </div>
    </form>
  )
}

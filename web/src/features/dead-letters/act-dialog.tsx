import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useRef, useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Modal } from '../../components/modal.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { actInSteps, type Acted, type LetterAct, type Meant } from './act-in-steps.ts'

const jobs = (n: number) => (n === 1 ? '1 failed job' : `${n.toLocaleString()} failed jobs`)

const words: Record<LetterAct, { button: string; going: string; done: string; meaning: string; refuse: string }> = {
  redrive: {
    button: 'Redrive',
    going: 'Redriving',
    done: 'redriven',
    meaning:
      'Each is done again the way it came: an event with the input of its run, a pipeline’s run from what failed, a job as it was.',
    refuse: 'Not now',
  },
  dismiss: {
    button: 'Dismiss',
    going: 'Dismissing',
    done: 'dismissed',
    meaning: 'They are no longer open, and nothing runs again. The jobs and their logs stay.',
    refuse: 'Keep them open',
  },
}

interface ActDialogProps {
  act: LetterAct
  meant: Meant
  /** How many are open, where all of them are meant. */
  open: number | undefined
  onDone: () => void
  onClose: () => void
}

/** Asks, then does it call by call: how far it is stands here, and it can be stopped between two calls. */
export default function ActDialog({ act, meant, open, onDone, onClose }: ActDialogProps) {
  const id = useId()
  const client = useQueryClient()
  const [acted, setActed] = useState<Acted>({ done: 0, refused: [] })
  const stopped = useRef(false)
  const of = 'jobs' in meant ? meant.jobs.length : open
  const { button, going, done, meaning, refuse } = words[act]
  const run = useMutation({
    mutationFn: () =>
      actInSteps(
        meant,
        (what) => api.deadLetters.act({ action: act, ...what }),
        setActed,
        () => stopped.current,
      ),
    onSuccess: (all) => {
      if (all.done > 0) toast('success', `${jobs(all.done)} ${done}`)
      onDone()
      if (all.refused.length === 0) onClose()
    },
    onSettled: () => {
      for (const key of ['dead-letters', 'failure-groups', 'jobs', 'events', 'event-runs', 'runs']) {
        void client.invalidateQueries({ queryKey: [key] })
      }
    },
  })
  const close = () => {
    stopped.current = true
    onClose()
  }
  const which = of !== undefined ? jobs(of) : 'all open failed jobs that fit the filters'
  const title = run.isPending ? `${going}…` : run.isSuccess ? `${jobs(acted.done)} ${done}` : `${button} ${which}?`
  return (
    <Modal
      role="alertdialog"
      titleId={`${id}-title`}
      descriptionId={`${id}-text`}
      onClose={close}
      className="mt-[20vh] w-[min(30rem,calc(100vw-2rem))]"
    >
      <h2 id={`${id}-title`} className="text-lg font-semibold">
        {title}
      </h2>
      <div id={`${id}-text`} className="mt-2 text-base text-muted">
        {run.isIdle && meaning}
        {run.isPending && <Progress acted={acted} of={of} />}
        {run.isError && <Alert>{problemOf(run.error).message}</Alert>}
      </div>
      {acted.refused.length > 0 && !run.isPending && <Refused refused={acted.refused} />}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        {(run.isIdle || run.isError) && (
          <>
            <Button data-autofocus onClick={close}>
              {refuse}
            </Button>
            <Button kind={act === 'dismiss' ? 'danger' : 'primary'} onClick={() => run.mutate()}>
              {run.isError ? 'Try again' : button}
            </Button>
          </>
        )}
        {run.isPending && <Button onClick={() => (stopped.current = true)}>Stop after this step</Button>}
        {run.isSuccess && (
          <Button kind="primary" onClick={close}>
            Close
          </Button>
        )}
      </div>
    </Modal>
  )
}

function Progress({ acted, of }: { acted: Acted; of: number | undefined }) {
  const seen = acted.done + acted.refused.length
  return (
    <div role="status" className="flex flex-col gap-2">
      <progress
        aria-label="Done so far"
        value={of === undefined ? undefined : Math.min(seen, of)}
        max={of ?? 1}
        className="h-2 w-full accent-accent"
      />
      <span className="text-sm tabular-nums">
        {acted.done.toLocaleString()} done{of !== undefined && ` of ${of.toLocaleString()}`}
        {acted.refused.length > 0 && `, ${acted.refused.length.toLocaleString()} refused`}
      </span>
    </div>
  )
}

function Refused({ refused }: { refused: Acted['refused'] }) {
  return (
    <section aria-label="Refused" className="mt-3 text-sm">
      <h3 className="font-medium">{refused.length === 1 ? 'One was refused' : `${refused.length} were refused`}</h3>
      <ul className="mt-1 flex max-h-48 flex-col gap-1 overflow-y-auto">
        {refused.map(({ job_id, reason }) => (
          <li key={job_id} className="flex gap-2">
            <span className="font-mono text-xs leading-5 text-muted">{job_id}</span>
            <span className="min-w-0">{sentence(visibleText(reason))}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

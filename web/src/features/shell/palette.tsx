import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { Boxes, Keyboard, List, LogOut, Monitor, Moon, Plus, Sun, Workflow, Zap } from 'lucide-react'
import { useDeferredValue, useState, type ReactNode } from 'react'
import { api } from '../../lib/api.ts'
import { setTheme } from '../../lib/theme.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { StateIcon } from '../jobs/state-chip.tsx'
import { tones } from '../jobs/states.ts'
import { signOut, useMe } from '../session/session.ts'
import { placesFor, profile } from './places.ts'

/** One answer looks at a part of the jobs only; an old one may be several answers away. */
async function firstFound(name: string) {
  let cursor: string | undefined
  for (;;) {
    const page = await api.jobs.list({ name, limit: 8, cursor })
    if (page.jobs.length > 0 || page.next_cursor === null) return page.jobs
    cursor = page.next_cursor
  }
}

const jobId = /^[0-9a-z]{12}$/

/** Of jobs and of runs the ids look alike: whichever there is. */
async function runOf(id: string) {
  return jobId.test(id) ? [await api.pipelineRuns.get({ id })] : []
}

/** Type to go anywhere: pages, acts, events and pipelines by name, and jobs and runs by name or id. */
export default function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState('')
  const navigate = useNavigate()
  const wanted = useDeferredValue(text.trim())
  const me = useMe()
  const mayWrite = me?.role !== 'viewer'
  const places = [...placesFor(me?.role).flatMap((group) => group.places), profile]
  const found = useQuery({
    queryKey: ['palette', wanted],
    queryFn: async () => {
      if (jobId.test(wanted)) return [await api.jobs.get({ id: wanted })]
      return firstFound(wanted)
    },
    enabled: wanted.length >= 2,
    retry: false,
  })
  const pipelines = useQuery({
    queryKey: ['palette', 'pipelines', wanted],
    queryFn: async () => (await api.pipelines.list({ search: wanted, limit: 6 })).pipelines,
    enabled: wanted.length >= 2,
    retry: false,
  })
  const events = useQuery({
    queryKey: ['palette', 'events', wanted],
    queryFn: async () => (await api.events.list({ search: wanted, limit: 6 })).events,
    enabled: wanted.length >= 2,
    retry: false,
  })
  const runs = useQuery({
    queryKey: ['palette', 'runs', wanted],
    queryFn: () => runOf(wanted),
    enabled: wanted.length >= 2,
    retry: false,
  })
  const run = (act: () => void) => () => {
    onClose()
    act()
  }
  return (
    <Command.Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      label="Search or go to"
      shouldFilter
      overlayClassName="fixed inset-0 z-40 bg-shade"
      contentClassName="fixed top-[12vh] left-1/2 z-50 w-[min(36rem,calc(100vw-2rem))] -translate-x-1/2 overflow-hidden rounded-lg border border-line bg-surface shadow-xl"
    >
      <Command.Input
        value={text}
        onValueChange={setText}
        placeholder="A page, an act, the name of an event, a pipeline or a job"
        className="w-full border-b border-line bg-transparent px-4 py-3 text-lg outline-none placeholder:text-muted"
      />
      <Command.List className="max-h-[50dvh] overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-6 text-center text-muted">
          {found.isFetching ? 'Searching…' : 'Nothing found'}
        </Command.Empty>
        {found.data && found.data.length > 0 && (
          <Group heading="Jobs">
            {found.data.map((job) => (
              <Item
                key={job.id}
                value={`${wanted} ${job.name} ${job.id}`}
                onSelect={run(() => void navigate({ to: '/jobs/$id', params: { id: job.id } }))}
              >
                <StateIcon state={job.state} />
                <span className="min-w-0 flex-1 truncate">{visibleText(job.name)}</span>
                <span className="font-mono text-xs text-muted">{job.id}</span>
              </Item>
            ))}
          </Group>
        )}
        {events.data && events.data.length > 0 && (
          <Group heading="Events">
            {events.data.map(({ id, name }) => (
              <Item
                key={id}
                value={`${wanted} ${name} event`}
                onSelect={run(() => void navigate({ to: '/events/$event', params: { event: id } }))}
              >
                <Zap aria-hidden className="size-4" />
                <span className="min-w-0 flex-1 truncate">{visibleText(name)}</span>
              </Item>
            ))}
          </Group>
        )}
        {pipelines.data && pipelines.data.length > 0 && (
          <Group heading="Pipelines">
            {pipelines.data.map(({ name }) => (
              <Item
                key={name}
                value={`${wanted} ${name} pipeline`}
                onSelect={run(() => void navigate({ to: '/pipelines/$name', params: { name } }))}
              >
                <Workflow aria-hidden className="size-4" />
                <span className="min-w-0 flex-1 truncate">{visibleText(name)}</span>
              </Item>
            ))}
          </Group>
        )}
        {runs.data?.map(({ id, pipeline }) => (
          <Group key={id} heading="Runs">
            <Item
              value={`${wanted} run ${id}`}
              onSelect={run(() => void navigate({ to: '/runs/$id', params: { id } }))}
            >
              <Workflow aria-hidden className="size-4" />
              <span className="min-w-0 flex-1 truncate">{visibleText(pipeline)}</span>
              <span className="font-mono text-xs text-muted">{id}</span>
            </Item>
          </Group>
        ))}
        <Group heading="Go to">
          {places.map(({ to, label, icon: Icon, key }) => (
            <Item key={to} value={`${label} page`} onSelect={run(() => void navigate({ to }))}>
              <Icon aria-hidden className="size-4" /> <span className="flex-1">{label}</span>
              <span className="text-xs text-muted">g {key}</span>
            </Item>
          ))}
          {tones.map(({ tone, label }) => (
            <Item key={tone} onSelect={run(() => void navigate({ to: '/jobs', search: { status: tone } }))}>
              <List aria-hidden className="size-4" /> {label} jobs
            </Item>
          ))}
        </Group>
        <Group heading="Act">
          {mayWrite && (
            <>
              <Item onSelect={run(() => void navigate({ to: '/jobs/new' }))}>
                <Plus aria-hidden className="size-4" /> New job
              </Item>
              <Item onSelect={run(() => void navigate({ to: '/events/new' }))}>
                <Zap aria-hidden className="size-4" /> New event
              </Item>
              <Item onSelect={run(() => void navigate({ to: '/batches/new' }))}>
                <Boxes aria-hidden className="size-4" /> New batch
              </Item>
            </>
          )}
          <Item onSelect={run(() => setTheme('system'))}>
            <Monitor aria-hidden className="size-4" /> Colours of the system
          </Item>
          <Item onSelect={run(() => setTheme('light'))}>
            <Sun aria-hidden className="size-4" /> Light colours
          </Item>
          <Item onSelect={run(() => setTheme('dark'))}>
            <Moon aria-hidden className="size-4" /> Dark colours
          </Item>
          <Item onSelect={run(onHelp)}>
            <Keyboard aria-hidden className="size-4" /> Keyboard help
          </Item>
          <Item onSelect={run(() => void signOut().finally(() => void navigate({ to: '/sign-in' })))}>
            <LogOut aria-hidden className="size-4" /> Sign out
          </Item>
        </Group>
      </Command.List>
    </Command.Dialog>
  )
}

const groupLook =
  '[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted'

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group heading={heading} className={groupLook}>
      {children}
    </Command.Group>
  )
}

function Item({ children, ...rest }: { children: ReactNode; value?: string; onSelect: () => void }) {
  return (
    <Command.Item
      className="flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 aria-selected:bg-accent-soft aria-selected:text-accent"
      {...rest}
    >
      {children}
    </Command.Item>
  )
}

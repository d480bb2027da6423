import { CalendarPlus, Zap } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { Button } from '../../../../components/button.tsx'
import type { AfterTrigger, EventDefinitionInput, EventDetail, EventSchedule } from '../../../../lib/api.ts'
import { sentence } from '../../../../lib/sentence.ts'
import { hereZone, timingText } from '../../../schedules/schedule-form.ts'
import { afterText } from '../../describe.ts'
import { Webhooks } from '../../webhooks/webhooks.tsx'
import { useEditor } from '../editor-context.ts'
import { freeName, ItemCard, replaced } from '../item-card.tsx'
import { AfterItem } from './after-item.tsx'
import { ScheduleItem } from './schedule-item.tsx'

type LooseSchedule = Partial<EventSchedule> & { name: string }

/** What starts it by itself. */
export function TriggersTab({ event }: { event: EventDetail | null }) {
  return (
    <div className="flex flex-col gap-6">
      <Schedules />
      <Afters />
      {event ? (
        <Webhooks event={event} />
      ) : (
        <Part title="Webhooks">
          <p className="text-sm text-muted">Once it is saved, webhooks can be made for it here.</p>
        </Part>
      )}
    </div>
  )
}

function Part({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section aria-label={title} className="flex flex-col gap-2">
      <div className="flex items-center justify-between">
        <h2 className="text-sm font-semibold">{title}</h2>
        {action}
      </div>
      {children}
    </section>
  )
}

function Schedules() {
  const { definition, set, hasErrors } = useEditor()
  const [added, setAdded] = useState<string | null>(null)
  const schedules = (definition.schedules ?? []) as LooseSchedule[]
  const change = (next: LooseSchedule[]) => set({ schedules: next as EventDefinitionInput['schedules'] })
  const add = () => {
    const name = freeName('nightly', schedules)
    setAdded(name)
    change([...schedules, { name, cron: '0 3 * * *', zone: hereZone() }])
  }
  return (
    <Part
      title="Schedules"
      action={
        <Button size="small" onClick={add}>
          <CalendarPlus aria-hidden className="size-3.5" /> Add a schedule
        </Button>
      }
    >
      {schedules.length === 0 && <p className="text-sm text-muted">No clock starts it.</p>}
      <ul aria-label="Schedules" className="flex flex-col gap-2 empty:hidden">
        {schedules.map((schedule, index) => (
          <ItemCard
            key={index}
            title={schedule.name}
            summary={`${sentence(timingText(schedule))}${schedule.cron ? ` · ${schedule.zone ?? 'UTC'}` : ''}`}
            wrong={hasErrors(`schedules[${index}]`)}
            off={schedule.enabled === false}
            openAtFirst={schedule.name === added}
            onRemove={() => change(schedules.filter((_, i) => i !== index))}
          >
            <ScheduleItem
              schedule={schedule}
              at={`schedules[${index}]`}
              onChange={(part) => change(replaced(schedules, index, part))}
            />
          </ItemCard>
        ))}
      </ul>
    </Part>
  )
}

function Afters() {
  const { definition, set, hasErrors } = useEditor()
  const [added, setAdded] = useState<number | null>(null)
  const afters = (definition.after ?? []) as Partial<AfterTrigger>[]
  const change = (next: Partial<AfterTrigger>[]) => set({ after: next as EventDefinitionInput['after'] })
  return (
    <Part
      title="After something else"
      action={
        <Button
          size="small"
          onClick={() => {
            setAdded(afters.length)
            change([...afters, { event: '', on: ['succeeded'] }])
          }}
        >
          <Zap aria-hidden className="size-3.5" /> Follow something
        </Button>
      }
    >
      {afters.length === 0 && <p className="text-sm text-muted">It follows no event, pipeline or job.</p>}
      <ul aria-label="Followed" className="flex flex-col gap-2 empty:hidden">
        {afters.map((after, index) => (
          <ItemCard
            key={index}
            title={afterText(after)}
            summary="with its output as the input"
            wrong={hasErrors(`after[${index}]`)}
            openAtFirst={index === added}
            onRemove={() => change(afters.filter((_, i) => i !== index))}
          >
            <AfterItem
              after={after}
              at={`after[${index}]`}
              onChange={(next) => change(afters.map((one, i) => (i === index ? next : one)))}
            />
          </ItemCard>
        ))}
      </ul>
    </Part>
  )
}

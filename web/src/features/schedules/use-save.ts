import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from '../../components/toasts.ts'
import { api, type Schedule } from '../../lib/api.ts'
import { problemOf, type FieldProblem } from '../../lib/problem.ts'
import { inputOf, secondsOf, timingOf, type ScheduleForm } from './schedule-form.ts'

interface Saved {
  form: ScheduleForm
  variables: Record<string, unknown>
}

/** Null: makes a new one. */
export function useSave(schedule: Schedule | null, done: () => void, refused: (fields: FieldProblem[]) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ form, variables }: Saved) => {
      const body = {
        cron: null,
        every_seconds: null,
        ...(timingOf(form) ?? { zone: form.zone }),
        misfire: form.misfire,
        overlap: form.overlap,
        catch_up_seconds: secondsOf(form.catchUp),
        late_after_seconds: secondsOf(form.late) ?? null,
        ...(form.starts === 'event'
          ? { input: inputOf(form).value as Schedule['input'] }
          : { variables: variables as Schedule['variables'] }),
      }
      return schedule
        ? api.schedules.change({ id: schedule.id, ...body })
        : api.schedules.create({ [form.starts]: form[form.starts], name: form.name.trim(), ...body })
    },
    onSuccess: ({ name }) => {
      toast('success', `Schedule ${name} is ${schedule ? 'changed' : 'created'}`)
      void client.invalidateQueries({ queryKey: ['schedules'] })
      void client.invalidateQueries({ queryKey: ['pipelines'] })
      void client.invalidateQueries({ queryKey: ['events'] })
      done()
    },
    onError: (error) => refused(problemOf(error).fields),
  })
}

import { useState } from 'react'
import { Toggle } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { CopyLine } from '../../../components/copy-line.tsx'
import { asCommandLine, asCurl } from './job-command.ts'
import { toJobInput, type JobForm } from './job-form.ts'

/** The same job for a script: what stands in the form, as a command. */
export function CopyAs({ form }: { form: JobForm }) {
  const [curl, setCurl] = useState(false)
  const job = toJobInput(form)
  const command = asCommandLine(job)
  const secret = job.secret_env !== undefined
  return (
    <Card title="The same from a terminal">
      <div className="flex flex-col gap-2">
        <div role="group" aria-label="Kind of command" className="flex gap-1">
          <Toggle pressed={!curl} onClick={() => setCurl(false)}>
            Command line
          </Toggle>
          <Toggle pressed={curl} onClick={() => setCurl(true)}>
            curl
          </Toggle>
        </div>
        {curl ? (
          <CopyLine text={asCurl(job, location.origin)} />
        ) : 'text' in command ? (
          <CopyLine text={command.text} />
        ) : (
          <p className="text-sm text-muted">The command line has no option for {command.missing.join(' and ')}.</p>
        )}
        {secret && (
          <p className="text-xs text-muted">
            {curl ? 'Values of secrets are left out.' : 'Values of secrets are taken from the environment.'}
          </p>
        )}
      </div>
    </Card>
  )
}

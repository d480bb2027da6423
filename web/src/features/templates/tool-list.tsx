import { useQuery } from '@tanstack/react-query'
import { CopyButton } from '../../components/copy-line.tsx'
import { Card } from '../../components/card.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import type { Tool } from '../../lib/api.ts'
import type { JsonSchema } from '../editor/schema.ts'
import { toolsQuery } from '../events/queries.ts'
import { typeText } from './type-text.ts'

/** What each kind of channel can do, and what that takes. */
export default function ToolList() {
  const tools = useQuery(toolsQuery)
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm text-muted">
        What the kinds of channels can do. An event of kind “message”, an action, a template and{' '}
        <code className="font-mono text-xs">sendMessage</code> in a script all take this input.
      </p>
      {tools.isPending && <Loading rows={4} label="Loading tools" />}
      {tools.isError && <Failed error={tools.error} retry={() => void tools.refetch()} />}
      <div className="grid items-start gap-3 xl:grid-cols-2">
        {tools.data?.map((tool) => (
          <ToolCard key={tool.name} tool={tool} />
        ))}
      </div>
    </div>
  )
}

function ToolCard({ tool }: { tool: Tool }) {
  return (
    <Card title={tool.title}>
      <p className="-mt-2 text-sm text-muted">{tool.description}</p>
      {tool.actions.map((action) => (
        <section
          key={action.name}
          aria-label={`${tool.title}: ${action.title}`}
          className="flex min-w-0 flex-col gap-2"
        >
          <h3 className="text-sm font-semibold">
            {action.title} <code className="font-mono text-xs font-normal text-muted">{action.name}</code>
          </h3>
          <p className="text-sm text-muted">{action.description}</p>
          <Fields schema={action.input as JsonSchema} />
          <Example value={action.example} />
        </section>
      ))}
    </Card>
  )
}

function Fields({ schema }: { schema: JsonSchema }) {
  const required = new Set(schema.required)
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
      {Object.entries(schema.properties ?? {}).map(([name, one]) => (
        <div key={name} className="contents">
          <dt className="font-mono text-xs leading-5">
            {name}
            {required.has(name) && (
              <span className="text-failed" title="required">
                *<span className="sr-only"> required</span>
              </span>
            )}
          </dt>
          <dd className="min-w-0 text-muted">
            <span className="text-xs">{typeText(one)}</span>
            {one.description && <span className="text-text"> {one.description}</span>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Example({ value }: { value: unknown }) {
  const text = JSON.stringify(value, null, 2)
  return (
    <div className="flex items-start gap-1 rounded-md border border-line bg-sunken py-0.5 pr-0.5 pl-3">
      <pre
        tabIndex={0}
        role="region"
        aria-label="Example"
        className="max-h-48 min-w-0 flex-1 overflow-auto py-1 font-mono text-xs"
      >
        {text}
      </pre>
      <CopyButton text={text} label="Copy the example" />
    </div>
  )
}

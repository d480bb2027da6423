import { useQuery } from '@tanstack/react-query'
import { CopyLine } from '../../components/copy-line.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { runnersQuery } from './queries.ts'
import { RunnerCard } from './runner-card.tsx'

/** With so few there is room to show all of each. */
const fewRunners = 3

/** The machines that run jobs: how busy, how well, and what each can hold. */
export function RunnersPage() {
  const { data, isPending, isError, error, refetch } = useQuery(runnersQuery)
  const online = data?.filter(({ state }) => state === 'online').length ?? 0
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Runners" description={data && data.length > 0 && `${online} of ${data.length} online`} />
      {isPending && <Loading rows={3} label="Loading runners" />}
      {isError && <Failed error={error} retry={() => void refetch()} />}
      {data?.length === 0 && (
        <Empty title="No runner yet">
          <p className="text-muted">Nothing can start until one comes. On a machine that shall run jobs:</p>
          <CopyLine className="w-full max-w-lg" text="npx runyard runner --help" />
        </Empty>
      )}
      {data?.map((runner) => (
        <RunnerCard key={runner.id} runner={runner} open={data.length <= fewRunners} />
      ))}
    </div>
  )
}

import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { Tabs } from '../../components/tabs.tsx'
import type { Channel } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useMe } from '../session/session.ts'
import { ChannelTable } from './channel-table.tsx'
import { DeliveryList } from './delivery-list.tsx'
import type { ChannelSearch, ChannelView } from './filters.ts'
import { channelsQuery } from './queries.ts'
import { useLiveChannels } from './use-live-channels.ts'

const route = getRouteApi('/_app/channels')
const ChannelDialog = lazyPart(() => import('./channel-dialog.tsx'))
const TestDialog = lazyPart(() => import('./test-dialog.tsx'))
const TemplateList = lazyPart(() => import('../templates/template-list.tsx'))
const ToolList = lazyPart(() => import('../templates/tool-list.tsx'))

/** Where messages go, and what became of them. */
export function ChannelsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const channels = useQuery(channelsQuery)
  const [editing, setEditing] = useState<Channel | 'new' | null>(null)
  const [testing, setTesting] = useState<string | null>(null)
  const isAdmin = useMe()?.role === 'admin'
  useLiveChannels()
  const change = (some: Partial<ChannelSearch>) => void navigate({ search: (before) => ({ ...before, ...some }) })
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Channels" description="Where batches, pipelines and events tell what happened.">
        {isAdmin && (
          <Button kind="primary" onClick={() => setEditing('new')}>
            <Plus aria-hidden className="size-4" /> New channel
          </Button>
        )}
      </PageHead>
      <Tabs<ChannelView>
        label="Channels and deliveries"
        tabs={[
          { key: 'channels', label: 'Channels' },
          { key: 'deliveries', label: 'Deliveries' },
          { key: 'templates', label: 'Templates' },
          { key: 'tools', label: 'Tools' },
        ]}
        value={search.view ?? 'channels'}
        onChange={(view) => void navigate({ search: view === 'channels' ? {} : { view } })}
      >
        <Suspense fallback={<Loading rows={3} />}>
          {search.view === 'deliveries' && (
            <DeliveryList channels={channels.data ?? []} search={search} onSearch={change} mayResend={isAdmin} />
          )}
          {search.view === 'templates' && <TemplateList />}
          {search.view === 'tools' && <ToolList />}
        </Suspense>
        {search.view === undefined && (
          <>
            {channels.isPending && <Loading rows={3} label="Loading channels" />}
            {channels.isError && <Failed error={channels.error} retry={() => void channels.refetch()} />}
            {channels.data?.length === 0 && <NoChannels isAdmin={isAdmin} />}
            {channels.data && channels.data.length > 0 && (
              <ChannelTable channels={channels.data} onEdit={isAdmin ? setEditing : undefined} onTest={setTesting} />
            )}
          </>
        )}
      </Tabs>
      <Suspense>
        {editing && <ChannelDialog channel={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
        {testing && <TestDialog channel={testing} onClose={() => setTesting(null)} />}
      </Suspense>
    </div>
  )
}

function NoChannels({ isAdmin }: { isAdmin: boolean }) {
  return (
    <Empty title="There is no channel yet">
      <p className="text-muted">
        {isAdmin
          ? 'Make one for Slack, Discord, email or a signed webhook. Then name it in a batch:'
          : 'An administrator makes one for Slack, Discord, email or a signed webhook. Then name it in a batch:'}
      </p>
      <CopyLine what="line" text="notify: [{channel: team, on: [failed]}]" className="w-full" />
    </Empty>
  )
}

import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Select } from '../../components/field.tsx'
import { FilterChips } from '../../components/filter-chips.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import type { Host } from '../../lib/api.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useMe } from '../session/session.ts'
import { HostDialogs, type HostAct } from './host-dialogs.tsx'
import { HostTable } from './host-table.tsx'
import type { HostsPlace } from './place.ts'
import { hostsQuery } from './queries.ts'
import { hostStates, stateWords } from './words.ts'

/** Machines that runners reach over SSH. */
export function HostsPage() {
  const place = useSearch({ from: '/_app/hosts/' })
  const navigate = useNavigate({ from: '/hosts/' })
  const isAdmin = useMe()?.role === 'admin'
  const list = useInfiniteQuery(hostsQuery(place))
  const hosts = useMemo(() => list.data?.pages.flatMap((page) => page.hosts) ?? [], [list.data])
  const [asking, setAsking] = useState<HostAct | null>(null)
  const search = useRef<HTMLInputElement>(null)
  const { current, move } = useRowKeys(hosts)
  useKeys({
    '/': () => search.current?.focus(),
    c: () => isAdmin && setAsking({ act: 'add' }),
    j: () => move(1),
    k: () => move(-1),
  })
  const change = (part: HostsPlace) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  const narrowed = place.state !== undefined || place.label !== undefined || place.q !== undefined
  const nothing = list.isSuccess && hosts.length === 0
  const noRunner = list.data?.pages[0]?.ssh === false
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Hosts" description="Jobs run there over SSH, each to a key that was confirmed.">
        {isAdmin && (
          <Button kind="primary" onClick={() => setAsking({ act: 'add' })}>
            <Plus aria-hidden className="size-4" /> Add a host
          </Button>
        )}
      </PageHead>
      {noRunner && hosts.length > 0 && (
        <Alert kind="note">No runner that is online takes jobs for hosts (RUNYARD_SSH): they wait for one.</Alert>
      )}
      {isAdmin && <KeyAlarms hosts={hosts} onAct={setAsking} />}
      {(!nothing || narrowed) && (
        <div role="search" aria-label="Hosts" className="flex flex-col gap-2">
          <div className="flex flex-wrap items-center gap-2">
            <SearchBox
              label="Search hosts"
              placeholder="Search hosts  ( / )"
              value={place.q ?? ''}
              onSearch={(q) => change({ q: q || undefined })}
              inputRef={search}
            />
            <Select
              aria-label="State"
              wide={false}
              value={place.state ?? ''}
              onChange={(event) => change({ state: hostStates.find((state) => state === event.target.value) })}
            >
              <option value="">Any state</option>
              {hostStates.map((state) => (
                <option key={state} value={state}>
                  {stateWords[state].label}
                </option>
              ))}
            </Select>
          </div>
          <FilterChips chips={chipsOf(place, change)} onClear={clear} />
        </div>
      )}
      {list.isPending && <Loading rows={4} label="Loading hosts" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {nothing && (narrowed ? <NoMatch onClear={clear} /> : <NoHosts isAdmin={isAdmin} />)}
      {hosts.length > 0 && <HostTable hosts={hosts} current={current} onAct={isAdmin ? setAsking : undefined} />}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more hosts"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      <HostDialogs asking={asking} onAct={setAsking} />
    </div>
  )
}

/** Not to be missed among many rows. */
function KeyAlarms({ hosts, onAct }: { hosts: readonly Host[]; onAct: (act: HostAct) => void }) {
  return hosts
    .filter(({ state }) => state === 'key_changed')
    .map((host) => (
      <Alert
        key={host.name}
        title={`${host.name} shows another key`}
        action={
          <Button size="small" onClick={() => onAct({ act: 'keys', host })}>
            Look at it
          </Button>
        }
      >
        No job gets there until an administrator has compared and confirmed it.
      </Alert>
    ))
}

function chipsOf(place: HostsPlace, change: (part: HostsPlace) => void) {
  const words = {
    q: ['Search', place.q],
    state: ['State', place.state && stateWords[place.state].label],
    label: ['Label', place.label],
    unknown: ['Not a filter here:', place.unknown],
  } as const
  return Object.entries(words).flatMap(([key, [name, value]]) =>
    value === undefined ? [] : [{ key, name, value, onRemove: () => change({ [key]: undefined }) }],
  )
}

/** j and k go from row to row; Enter is the link's own. */
function useRowKeys(hosts: readonly Host[]) {
  const [current, setCurrent] = useState<string | null>(null)
  const move = (step: 1 | -1) => {
    const focused = document.activeElement?.closest('[data-row]')?.getAttribute('data-row') ?? current
    const at = hosts.findIndex(({ name }) => name === focused)
    const next = hosts[at < 0 ? 0 : Math.min(hosts.length - 1, Math.max(0, at + step))]
    if (!next) return
    setCurrent(next.name)
    document.querySelector<HTMLElement>(`[data-row="${CSS.escape(next.name)}"]`)?.focus()
  }
  return { current, move }
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No host matches">
      <p className="text-muted">Nothing here fits all the filters above.</p>
      <Button onClick={onClear}>Clear filters</Button>
    </Empty>
  )
}

function NoHosts({ isAdmin }: { isAdmin: boolean }) {
  return (
    <Empty title="There is no host yet">
      <p className="text-muted">
        {isAdmin
          ? 'Add a machine that your runners reach over SSH. In a terminal:'
          : 'An administrator adds machines that the runners reach over SSH. Then a job runs there:'}
      </p>
      <CopyLine
        className="w-full max-w-lg"
        text={
          isAdmin
            ? 'runyard host add web1 deploy@192.0.2.10 --key @~/.ssh/id_ed25519'
            : 'runyard run --host web1 -- uptime'
        }
      />
    </Empty>
  )
}

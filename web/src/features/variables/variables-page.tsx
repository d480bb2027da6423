import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { KeyRound, Plus } from 'lucide-react'
import { Suspense, useMemo, useRef, useState } from 'react'
import { Button, Toggle } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { FilterChips } from '../../components/filter-chips.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import type { Variable } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useMe } from '../session/session.ts'
import type { VariablesPlace } from './place.ts'
import { variablesQuery } from './queries.ts'
import { VariableTable } from './variable-table.tsx'

const VariableDialog = lazyPart(() => import('./variable-dialog.tsx'))
const KeysDialog = lazyPart(() => import('./keys-dialog.tsx'))

type Asking = { act: 'new'; secret: boolean } | { act: 'edit'; variable: Variable } | { act: 'keys' } | null

/** Values that scripts read by name, and secrets that nobody reads again. */
export function VariablesPage() {
  const me = useMe()
  if (!me) return <Loading />
  if (me.role !== 'viewer') return <Variables isAdmin={me.role === 'admin'} />
  return (
    <>
      <PageHead title="Variables" />
      <Empty title="Viewers have no variables">
        <p className="text-muted">
          They belong to accounts that run things. To have some, ask an administrator for the operator role.
        </p>
      </Empty>
    </>
  )
}

function Variables({ isAdmin }: { isAdmin: boolean }) {
  const place = useSearch({ from: '/_app/variables' })
  const navigate = useNavigate({ from: '/variables' })
  const list = useInfiniteQuery(variablesQuery(place))
  const variables = useMemo(() => list.data?.pages.flatMap((page) => page.variables) ?? [], [list.data])
  const [asking, setAsking] = useState<Asking>(null)
  const search = useRef<HTMLInputElement>(null)
  useKeys({
    c: () => setAsking({ act: 'new', secret: place.kind === 'secret' }),
    '/': () => search.current?.focus(),
  })
  const change = (part: VariablesPlace) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const clear = () => void navigate({ search: {} })
  const narrowed = place.kind !== undefined || place.scope !== undefined || place.q !== undefined
  const nothing = list.isSuccess && variables.length === 0
  const close = () => setAsking(null)
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Variables" description="Yours, and global ones. All are stored sealed.">
        {isAdmin && (
          <Button kind="quiet" onClick={() => setAsking({ act: 'keys' })}>
            <KeyRound aria-hidden className="size-4" /> Sealing keys
          </Button>
        )}
        <Button onClick={() => setAsking({ act: 'new', secret: true })}>
          <Plus aria-hidden className="size-4" /> New secret
        </Button>
        <Button kind="primary" onClick={() => setAsking({ act: 'new', secret: false })}>
          <Plus aria-hidden className="size-4" /> New variable
        </Button>
      </PageHead>
      {(!nothing || narrowed) && (
        <div role="search" aria-label="Variables" className="flex flex-col gap-2">
          <div className="flex flex-wrap items-center gap-2">
            <SearchBox
              label="Search by name"
              value={place.q ?? ''}
              onSearch={(text) => change({ q: text || undefined })}
              inputRef={search}
            />
            <div role="group" aria-label="Kind and scope" className="flex flex-wrap gap-0.5">
              <Kind
                label="Variables"
                pressed={place.kind === 'plain'}
                onPress={(kind) => change({ kind })}
                kind="plain"
              />
              <Kind
                label="Secrets"
                pressed={place.kind === 'secret'}
                onPress={(kind) => change({ kind })}
                kind="secret"
              />
              <Toggle
                pressed={place.scope === 'user'}
                onClick={() => change({ scope: place.scope === 'user' ? undefined : 'user' })}
              >
                Yours
              </Toggle>
              <Toggle
                pressed={place.scope === 'global'}
                onClick={() => change({ scope: place.scope === 'global' ? undefined : 'global' })}
              >
                Global
              </Toggle>
            </div>
          </div>
          <FilterChips
            chips={
              place.unknown === undefined
                ? []
                : [
                    {
                      ...{ key: 'unknown', name: 'Not a filter', value: place.unknown },
                      onRemove: () => change({ unknown: undefined }),
                    },
                  ]
            }
            onClear={clear}
          />
        </div>
      )}
      {list.isPending && <Loading rows={5} label="Loading variables" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {nothing && (narrowed ? <NoMatch onClear={clear} /> : <FirstVariable />)}
      {variables.length > 0 && (
        <VariableTable
          variables={variables}
          isAdmin={isAdmin}
          onEdit={(variable) => setAsking({ act: 'edit', variable })}
        />
      )}
      {list.hasNextPage && (
        <LoadMore
          loading={list.isFetchingNextPage}
          label="Load more variables"
          onMore={() => void list.fetchNextPage({ cancelRefetch: false })}
        />
      )}
      <Suspense>
        {asking?.act === 'new' && (
          <VariableDialog variable={null} secret={asking.secret} isAdmin={isAdmin} onClose={close} />
        )}
        {asking?.act === 'edit' && (
          <VariableDialog variable={asking.variable} secret={false} isAdmin={isAdmin} onClose={close} />
        )}
        {asking?.act === 'keys' && <KeysDialog onClose={close} />}
      </Suspense>
    </div>
  )
}

interface KindProps {
  label: string
  kind: 'plain' | 'secret'
  pressed: boolean
  onPress: (kind: 'plain' | 'secret' | undefined) => void
}

const Kind = ({ label, kind, pressed, onPress }: KindProps) => (
  <Toggle pressed={pressed} onClick={() => onPress(pressed ? undefined : kind)}>
    {label}
  </Toggle>
)

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No variable matches">
      <p className="text-muted">Nothing fits the filters above.</p>
      <Button onClick={onClear}>Clear filters</Button>
    </Empty>
  )
}

function FirstVariable() {
  return (
    <Empty title="No variables yet">
      <p className="text-muted">
        A variable is a value that scripts of your events read and write by name. A secret is one that is never shown
        again: an event lists it, and its script finds it in its environment. In a terminal:
      </p>
      <CopyLine className="w-full" text="runyard var set region eu-1" />
      <CopyLine className="w-full" text="runyard secret set api_token" />
    </Empty>
  )
}

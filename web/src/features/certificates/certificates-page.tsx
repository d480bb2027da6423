import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { Select } from '../../components/field.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { LoadMore } from '../../components/load-more.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { api, type Certificate } from '../../lib/api.ts'
import { AdminsOnly } from '../session/admins-only.tsx'
import { CertificateTable } from './certificate-table.tsx'
import { certificateRoles, inUse, type CertificateFilters } from './filters.ts'
import { RevokeDialog } from './revoke-dialog.tsx'

const route = getRouteApi('/_app/certificates')

export const CertificatesPage = () => (
  <AdminsOnly title="Certificates">
    <Certificates />
  </AdminsOnly>
)

/** What this installation issued to people, runners and servers. */
function Certificates() {
  const filters: CertificateFilters = route.useSearch()
  const navigate = route.useNavigate()
  const [revoking, setRevoking] = useState<Certificate | null>(null)
  const authorities = useQuery({
    queryKey: ['authorities'],
    queryFn: async ({ signal }) => (await api.certificates.listAuthorities(undefined, { signal })).authorities,
  })
  const list = useInfiniteQuery({
    queryKey: ['certificates', filters],
    queryFn: ({ pageParam, signal }) =>
      api.certificates.list(
        {
          name: filters.name,
          role: filters.role,
          state: filters.all ? undefined : inUse.join(','),
          cursor: pageParam,
          limit: 100,
        },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })
  const found = list.data?.pages.flatMap((page) => page.certificates) ?? []
  const narrow = (some: CertificateFilters) =>
    void navigate({ search: (before) => ({ ...before, ...some }), replace: 'name' in some, resetScroll: false })
  const none = authorities.data?.length === 0
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Certificates" description={<Authorities authorities={authorities.data} />} />
      {none && <NoAuthority />}
      {!none && (
        <div className="flex flex-wrap items-center gap-2">
          <SearchBox
            label="Name"
            placeholder="Name, exactly"
            value={filters.name ?? ''}
            onSearch={(name) => narrow({ name: name.trim() || undefined })}
          />
          <Select
            wide={false}
            aria-label="Role"
            value={filters.role ?? ''}
            onChange={(event) => narrow({ role: certificateRoles.find((role) => role === event.target.value) })}
          >
            <option value="">Every role</option>
            {certificateRoles.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </Select>
          <label className="flex items-center gap-2 text-sm">
            <Checkbox
              checked={filters.all ?? false}
              onChange={(event) => narrow({ all: event.target.checked || undefined })}
            />
            also ended and revoked ones
          </label>
        </div>
      )}
      {list.isPending && <Loading rows={3} label="Loading certificates" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {found.length > 0 && <CertificateTable certificates={found} onRevoke={setRevoking} />}
      {list.data && found.length === 0 && !none && (
        <Empty title="No certificate matches">
          <p className="text-muted">One for a person, on the machine that is to have its key:</p>
          <CopyLine text="runyard certs issue --role operator anna" />
          <p className="text-muted">And a token with which a machine becomes a runner:</p>
          <CopyLine text="runyard runner token --name web1" />
        </Empty>
      )}
      {list.hasNextPage && <LoadMore loading={list.isFetchingNextPage} onMore={() => void list.fetchNextPage()} />}
      {found.length > 0 && (
        <p className="text-sm text-muted">
          Keys are made where they are used, so certificates are issued at the command line:{' '}
          <code className="font-mono text-text">runyard certs issue --role operator NAME</code>, for machines{' '}
          <code className="font-mono text-text">runyard runner token</code>.
        </p>
      )}
      {revoking && <RevokeDialog certificate={revoking} onClose={() => setRevoking(null)} />}
    </div>
  )
}

function Authorities({ authorities }: { authorities: { id: string; ends_at: string }[] | undefined }) {
  if (!authorities || authorities.length === 0) return 'For gRPC clients, runners on other machines, and servers.'
  return (
    <>
      {authorities.length === 1
        ? 'The authority ends '
        : `${authorities.length} authorities are trusted; the newest ends `}
      <RelativeTime at={authorities[0]!.ends_at} />.
    </>
  )
}

const NoAuthority = () => (
  <Empty title="There is no authority yet">
    <p className="text-muted">
      With one, clients and runners come in over gRPC from other machines. On the server’s machine:
    </p>
    <CopyLine text="runyard certs init" />
  </Empty>
)

import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Select } from '../../components/field.tsx'
import { FilterChips } from '../../components/filter-chips.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { AdminsOnly } from '../session/admins-only.tsx'
import { AddUserDialog } from './add-user-dialog.tsx'
import { DeleteUser } from './delete-user.tsx'
import { EditUserDialog } from './edit-user-dialog.tsx'
import { filterUsers, type UserFilters } from './filters.ts'
import { usersQuery } from './queries.ts'
import { ResetDialog } from './reset-dialog.tsx'
import { roles, type User } from './user.ts'
import { UserTable } from './user-table.tsx'

const route = getRouteApi('/_app/users')

export const UsersPage = () => (
  <AdminsOnly title="Users">
    <Users />
  </AdminsOnly>
)

export type UserAct = 'edit' | 'reset' | 'delete'

/** Who may sign in, with which role, and what is kept of them. */
function Users() {
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const users = useQuery(usersQuery)
  const [open, setOpen] = useState<{ act: UserAct; user: User } | { act: 'add' } | null>(null)
  const close = () => setOpen(null)
  const narrow = (some: UserFilters) =>
    void navigate({
      search: (before) => ({ ...before, ...some }),
      replace: 'q' in some && !('role' in some),
      resetScroll: false,
    })
  const shown = filterUsers(users.data ?? [], filters)
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Users" description="Who may sign in, and what they may do.">
        <Button kind="primary" onClick={() => setOpen({ act: 'add' })}>
          <Plus aria-hidden className="size-4" /> Add a user
        </Button>
      </PageHead>
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox label="Search by name" value={filters.q ?? ''} onSearch={(q) => narrow({ q: q || undefined })} />
        <Select
          wide={false}
          aria-label="Role"
          value={filters.role ?? ''}
          onChange={(event) => narrow({ role: roles.find((role) => role === event.target.value) })}
        >
          <option value="">Every role</option>
          {roles.map((role) => (
            <option key={role}>{role}</option>
          ))}
        </Select>
        {users.data && (
          <span className="text-sm text-muted" role="status">
            {shown.length === users.data.length ? `${shown.length} in all` : `${shown.length} of ${users.data.length}`}
          </span>
        )}
      </div>
      {filters.unknown && (
        <FilterChips
          chips={[
            {
              key: 'unknown',
              name: 'Not a filter here:',
              value: filters.unknown,
              onRemove: () => narrow({ unknown: undefined }),
            },
          ]}
          onClear={() => void navigate({ search: {} })}
        />
      )}
      {users.isPending && <Loading rows={4} label="Loading users" />}
      {users.isError && <Failed error={users.error} retry={() => void users.refetch()} />}
      {shown.length > 0 && <UserTable users={shown} onAct={(act, user) => setOpen({ act, user })} />}
      {users.data && shown.length === 0 && (
        <Empty title="Nobody has such a name or role">
          <Button onClick={() => narrow({ q: undefined, role: undefined })}>Show all</Button>
        </Empty>
      )}
      {users.data?.length === 1 && (
        <Empty title="You are alone here">
          <p className="text-muted">Add the people you work with, here or at the command line:</p>
          <CopyLine text="runyard user add anna --role operator --generate" />
        </Empty>
      )}
      {open?.act === 'add' && <AddUserDialog onClose={close} />}
      {open?.act === 'edit' && <EditUserDialog user={open.user} onClose={close} />}
      {open?.act === 'reset' && <ResetDialog username={open.user.username} onClose={close} />}
      {open?.act === 'delete' && <DeleteUser user={open.user} onClose={close} />}
    </div>
  )
}

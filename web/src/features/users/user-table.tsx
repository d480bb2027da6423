import { Link } from '@tanstack/react-router'
import { KeyRound, Pencil, Trash2 } from 'lucide-react'
import { Badge, type BadgeTone } from '../../components/badge.tsx'
import { IconButton } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { byteSize } from '../../lib/time.ts'
import { useNow } from '../../lib/use-now.ts'
import { useMe } from '../session/session.ts'
import { roleMeaning, stateOf, type Role, type User } from './user.ts'
import type { UserAct } from './users-page.tsx'

const count = new Intl.NumberFormat()
export const roleTones: Record<Role, BadgeTone> = { admin: 'accent', operator: 'good', viewer: 'plain' }

interface UserTableProps {
  users: User[]
  onAct: (act: UserAct, user: User) => void
}

export function UserTable({ users, onAct }: UserTableProps) {
  const me = useMe()?.username
  const now = useNow(5_000)
  return (
    <Table label="Users">
      <TableHead>
        <Th>Name</Th>
        <Th>Role</Th>
        <Th>State</Th>
        <Th>Last seen</Th>
        <Th number>At once</Th>
        <Th number>Open jobs</Th>
        <Th number>Ended, kept</Th>
        <Th number>Logs</Th>
        <ActsTh />
      </TableHead>
      <tbody>
        {users.map((user) => (
          <Tr key={user.username}>
            <Td className={`${nameCell} font-medium`} title={user.username}>
              <Link to="/jobs" search={{ owner: user.username }} className="hover:underline">
                {user.username}
              </Link>
              {user.username === me && <span className="ml-1.5 font-normal text-muted">you</span>}
            </Td>
            <Td>
              <Badge tone={roleTones[user.role]} title={roleMeaning[user.role]}>
                {user.role}
              </Badge>
            </Td>
            <Td>
              <UserState user={user} now={now} />
            </Td>
            <Td muted>{user.last_seen_at === null ? 'never' : <RelativeTime at={user.last_seen_at} />}</Td>
            <Td number>{count.format(user.max_running)}</Td>
            <Td number>{count.format(user.usage.open_jobs)}</Td>
            <Td number>{count.format(user.usage.kept_jobs)}</Td>
            <Td number>{byteSize(user.usage.log_bytes)}</Td>
            <ActsTd>
              <IconButton small label={`Change ${user.username}`} onClick={() => onAct('edit', user)}>
                <Pencil aria-hidden className="size-3.5" />
              </IconButton>
              <IconButton small label={`Reset code for ${user.username}`} onClick={() => onAct('reset', user)}>
                <KeyRound aria-hidden className="size-3.5" />
              </IconButton>
              <IconButton
                small
                label={`Delete ${user.username}`}
                disabled={user.username === me}
                onClick={() => onAct('delete', user)}
              >
                <Trash2 aria-hidden className="size-3.5" />
              </IconButton>
            </ActsTd>
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}

function UserState({ user, now }: { user: User; now: number }) {
  const state = stateOf(user, now)
  if (state === 'disabled') return <Badge tone="bad">disabled</Badge>
  if (state === null) return <span className="text-muted">active</span>
  return (
    <Badge tone="warn" title="Too many wrong passwords; where they signed in before, they still can">
      locked, <RelativeTime at={user.locked_until!} />
    </Badge>
  )
}

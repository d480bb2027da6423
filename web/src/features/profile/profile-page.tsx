import { useQuery } from '@tanstack/react-query'
import { Badge } from '../../components/badge.tsx'
import { Card } from '../../components/card.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { api } from '../../lib/api.ts'
import { setTheme, useTheme, type Theme } from '../../lib/theme.ts'
import { Toggle } from '../../components/button.tsx'
import { byteSize } from '../../lib/time.ts'
import { useMe } from '../session/session.ts'
import { roleMeaning } from '../users/user.ts'
import { PasswordForm } from './password-form.tsx'
import { SessionsCard } from './sessions-card.tsx'
import { TokensCard } from './tokens-card.tsx'

/** What is one's own: the account, its password, its tokens, its sessions, and how this browser shows things. */
export function ProfilePage() {
  const me = useMe()
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Profile" />
      {!me && <Loading rows={3} />}
      {me && (
        <div className="grid items-start gap-3 lg:grid-cols-2">
          <div className="flex flex-col gap-3">
            <Account username={me.username} />
            <PasswordForm username={me.username} />
          </div>
          <div className="flex flex-col gap-3">
            <TokensCard />
            <SessionsCard />
            <Colours />
          </div>
        </div>
      )}
    </div>
  )
}

const count = new Intl.NumberFormat()

function Account({ username }: { username: string }) {
  const user = useQuery({
    queryKey: ['user', username],
    queryFn: ({ signal }) => api.users.get({ username }, { signal }),
  })
  if (user.isError) return <Failed error={user.error} retry={() => void user.refetch()} />
  if (!user.data) return <Loading rows={3} label="Loading your account" />
  const { role, max_running, usage, created_at } = user.data
  const most = (limit: number, text: string) => (limit > 0 ? ` of at most ${text}` : '')
  const facts = {
    Role: (
      <>
        <Badge tone="accent">{role}</Badge> <span className="text-muted">{roleMeaning[role]}</span>
      </>
    ),
    'Jobs at once': count.format(max_running),
    'Open jobs': count.format(usage.open_jobs),
    'Ended jobs kept': `${count.format(usage.kept_jobs)}${most(usage.retain_count, count.format(usage.retain_count))}`,
    'Logs kept': `${byteSize(usage.log_bytes)}${most(usage.retain_bytes, byteSize(usage.retain_bytes))}`,
    'Account made': <RelativeTime at={created_at} />,
  }
  return (
    <Card title={username}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">
        {Object.entries(facts).map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

const themes: [Theme, string][] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

function Colours() {
  const theme = useTheme()
  return (
    <Card title="Colours">
      <div role="group" aria-label="Colours" className="flex flex-wrap gap-1">
        {themes.map(([value, label]) => (
          <Toggle key={value} pressed={theme === value} onClick={() => setTheme(value)}>
            {label}
          </Toggle>
        ))}
      </div>
    </Card>
  )
}

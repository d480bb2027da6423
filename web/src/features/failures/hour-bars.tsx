const width = 4
const height = 20

/** Failures of each of the last 24 hours, the newest at the right. */
export function HourBars({ hours, label }: { hours: readonly number[]; label: string }) {
  const sum = hours.reduce((total, n) => total + n, 0)
  if (sum === 0) return <span className="text-sm text-muted">none</span>
  const most = Math.max(...hours)
  const text = `${label}: ${sum.toLocaleString()} in the last 24 hours, at most ${most.toLocaleString()} in one`
  return (
    <svg role="img" aria-label={text} width={hours.length * width} height={height} className="align-middle">
      <title>{text}</title>
      <line x1={0} x2={hours.length * width} y1={height - 0.5} y2={height - 0.5} className="stroke-line" />
      {hours.map((n, hour) => {
        // The smallest is seen, too.
        const size = n === 0 ? 0 : Math.max(2, (n / most) * height)
        return (
          <rect
            key={hour}
            x={hour * width}
            y={height - size}
            width={width - 1}
            height={size}
            className="fill-failed-fill"
          />
        )
      })}
    </svg>
  )
}

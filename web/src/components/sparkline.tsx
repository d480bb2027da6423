interface SparklineProps {
  label: string
  values: readonly number[]
  className?: string
}

/** A course of numbers, small enough for a row of a table. */
export function Sparkline({ label, values, className = 'h-5 w-20' }: SparklineProps) {
  const top = Math.max(1, ...values)
  const step = values.length > 1 ? 100 / (values.length - 1) : 0
  const line = values.map((value, i) => `${(i * step).toFixed(1)},${(19 - (value / top) * 18).toFixed(1)}`).join(' ')
  return (
    <svg role="img" aria-label={label} viewBox="0 0 100 20" preserveAspectRatio="none" className={className}>
      <polyline
        points={line}
        fill="none"
        className="stroke-accent"
        strokeWidth={1.5}
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}

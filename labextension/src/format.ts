/** A duration such as `0.4 s`, `12 s`, `3 min 05 s`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) {
    return '';
  }
  if (seconds < 0.0995) {
    return `${Math.max(seconds > 0 ? 1 : 0, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 59.5) {
    return `${Math.round(seconds)} s`;
  }
  const rounded = Math.round(seconds);
  if (rounded < 3600) {
    return `${Math.floor(rounded / 60)} min ${String(rounded % 60).padStart(2, '0')} s`;
  }
  return `${Math.floor(rounded / 3600)} h ${String(Math.floor((rounded % 3600) / 60)).padStart(2, '0')} min`;
}

/** The year of a time, for those of another one. */
const yearOptions = (date: Date, now: Date) =>
  date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' as const };

/** A time of today as `14:03:12`, another as `Nov 24, 14:03`; of another year with it. */
export function formatTime(time: number | null | undefined, now: Date = new Date()): string {
  if (!time) {
    return '';
  }
  const date = new Date(time * 1000);
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return date.toDateString() === now.toDateString()
    ? date.toLocaleTimeString(undefined, { ...clock, second: '2-digit' })
    : date.toLocaleString(undefined, { ...clock, month: 'short', day: 'numeric', ...yearOptions(date, now) });
}

/** A time by the clock of a zone, such as `Tue, Nov 24, 06:00`; of another year with it. */
export function formatTimeInZone(
  time: number | null | undefined,
  zone: string,
  now: Date = new Date()
): string {
  if (!time) {
    return '';
  }
  const date = new Date(time * 1000);
  const options = {
    weekday: 'short',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...yearOptions(date, now)
  } as const;
  try {
    return date.toLocaleString(undefined, { ...options, timeZone: zone || undefined });
  } catch {
    return date.toLocaleString(undefined, options); // a zone that this browser does not know
  }
}

/** How long ago, such as `2 h ago`. */
export function formatAge(time: number, now: number = Date.now() / 1000): string {
  const elapsed = Math.max(0, now - time);
  const units: [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min']
  ];
  for (const [size, name] of units) {
    if (elapsed >= size) {
      return `${Math.floor(elapsed / size)} ${name} ago`;
    }
  }
  return 'just now';
}

/** A value as a person reads it, on one line. */
export function formatValue(value: unknown, maxLength = 60): string {
  const text =
    typeof value === 'number' && !Number.isInteger(value)
      ? String(Number(value.toPrecision(6)))
      : typeof value === 'string'
        ? value
        : (JSON.stringify(value) ?? '');
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}

/** What a run was given, such as `alpha=0.7`. */
export function formatParameters(parameters: Record<string, unknown>, maxCount = 3): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${formatValue(value, 20)}`);
  return pairs.length > maxCount ? `${pairs.slice(0, maxCount).join(', ')}, …` : pairs.join(', ');
}

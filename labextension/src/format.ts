/** A duration such as `0.4 s`, `12 s`, `3 min 05 s`. */
export function duration(seconds: number | null | undefined): string {
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
  const whole = Math.round(seconds);
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  }
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** The year of a time, for those of another one. */
const year = (then: Date, now: Date) =>
  then.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' as const };

/** A time of today as `14:03:12`, another as `Nov 24, 14:03`; of another year with it. */
export function moment(time: number | null | undefined, now: Date = new Date()): string {
  if (!time) {
    return '';
  }
  const then = new Date(time * 1000);
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return then.toDateString() === now.toDateString()
    ? then.toLocaleTimeString(undefined, { ...clock, second: '2-digit' })
    : then.toLocaleString(undefined, { ...clock, month: 'short', day: 'numeric', ...year(then, now) });
}

/** A time by the clock of a zone, such as `Tue, Nov 24, 06:00`; of another year with it. */
export function inZone(time: number | null | undefined, zone: string, now: Date = new Date()): string {
  if (!time) {
    return '';
  }
  const then = new Date(time * 1000);
  const how = {
    weekday: 'short',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...year(then, now)
  } as const;
  try {
    return then.toLocaleString(undefined, { ...how, timeZone: zone || undefined });
  } catch {
    return then.toLocaleString(undefined, how); // a zone that this browser does not know
  }
}

/** How long ago, such as `2 h ago`. */
export function ago(time: number, now: number = Date.now() / 1000): string {
  const passed = Math.max(0, now - time);
  const units: [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min']
  ];
  for (const [size, name] of units) {
    if (passed >= size) {
      return `${Math.floor(passed / size)} ${name} ago`;
    }
  }
  return 'just now';
}

/** A value as a person reads it, on one line. */
export function short(value: unknown, most = 60): string {
  const text =
    typeof value === 'number' && !Number.isInteger(value)
      ? String(Number(value.toPrecision(6)))
      : typeof value === 'string'
        ? value
        : (JSON.stringify(value) ?? '');
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** What a run was given, such as `alpha=0.7`. */
export function given(parameters: Record<string, unknown>, most = 3): string {
  const told = Object.entries(parameters).map(([name, value]) => `${name}=${short(value, 20)}`);
  return told.length > most ? `${told.slice(0, most).join(', ')}, …` : told.join(', ');
}

/** How often a schedule fires, as a person says it. */
export type Often = 'hourly' | 'daily' | 'weekdays' | 'weekly' | 'monthly' | 'custom';

export interface IPreset {
  often: Often;
  minute: number;
  hour: number;
  /** As cron has it: `MON` and so on. */
  weekday: string;
  /** Of the month. */
  day: number;
}

export const OFTEN: readonly Often[] = ['hourly', 'daily', 'weekdays', 'weekly', 'monthly', 'custom'];
export const WEEKDAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;
const NUMBERS = ['1', '2', '3', '4', '5', '6', '0'];
const AT: IPreset = { often: 'daily', minute: 0, hour: 6, weekday: 'MON', day: 1 };

/** The cron expression of a preset; '' for one that is none. */
export function cronOf({ often, minute, hour, weekday, day }: IPreset): string {
  switch (often) {
    case 'hourly':
      return `${minute} * * * *`;
    case 'daily':
      return `${minute} ${hour} * * *`;
    case 'weekdays':
      return `${minute} ${hour} * * MON-FRI`;
    case 'weekly':
      return `${minute} ${hour} * * ${weekday}`;
    case 'monthly':
      return `${minute} ${hour} ${day} * *`;
    case 'custom':
      return '';
  }
}

/** The preset that a cron expression is; custom for one that is none. */
export function presetOf(cron: string): IPreset {
  const parts = cron.trim().toUpperCase().split(/\s+/);
  const custom: IPreset = { ...AT, often: 'custom' };
  if (parts.length !== 5 || parts[3] !== '*') {
    return custom;
  }
  const [minute, hour] = [whole(parts[0], 59), whole(parts[1], 23)];
  const [, , day, , weekday] = parts;
  if (minute === null) {
    return custom;
  }
  if (parts[1] === '*' && day === '*' && weekday === '*') {
    return { ...AT, often: 'hourly', minute };
  }
  if (hour === null) {
    return custom;
  }
  const at = { ...AT, minute, hour };
  if (day !== '*') {
    const number = whole(day, 31);
    return weekday === '*' && number ? { ...at, often: 'monthly', day: number } : custom;
  }
  if (weekday === '*') {
    return { ...at, often: 'daily' };
  }
  if (weekday === 'MON-FRI' || weekday === '1-5') {
    return { ...at, often: 'weekdays' };
  }
  const known =
    WEEKDAYS.find(one => one === weekday) ?? WEEKDAYS[NUMBERS.indexOf(weekday === '7' ? '0' : weekday)];
  return known ? { ...at, often: 'weekly', weekday: known } : custom;
}

function whole(text: string, most: number): number | null {
  return /^\d{1,2}$/.test(text) && Number(text) <= most ? Number(text) : null;
}

/** How often a schedule fires, as a person says it. */
export type Frequency = 'hourly' | 'daily' | 'weekdays' | 'weekly' | 'monthly' | 'custom';

export interface IPreset {
  frequency: Frequency;
  minute: number;
  hour: number;
  /** As cron has it: `MON` and so on. */
  weekday: string;
  /** Of the month. */
  day: number;
}

export const WEEKDAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;
const WEEKDAY_NUMBERS = ['1', '2', '3', '4', '5', '6', '0'];
const DEFAULT_PRESET: IPreset = { frequency: 'daily', minute: 0, hour: 6, weekday: 'MON', day: 1 };

/** The cron expression of a preset; '' for one that is none. */
export function cronOf({ frequency, minute, hour, weekday, day }: IPreset): string {
  switch (frequency) {
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
  const fields = cron.trim().toUpperCase().split(/\s+/);
  const custom: IPreset = { ...DEFAULT_PRESET, frequency: 'custom' };
  if (fields.length !== 5 || fields[3] !== '*') {
    return custom;
  }
  const [minute, hour] = [parseInteger(fields[0], 59), parseInteger(fields[1], 23)];
  const [, , day, , weekday] = fields;
  if (minute === null) {
    return custom;
  }
  if (fields[1] === '*' && day === '*' && weekday === '*') {
    return { ...DEFAULT_PRESET, frequency: 'hourly', minute };
  }
  if (hour === null) {
    return custom;
  }
  const base = { ...DEFAULT_PRESET, minute, hour };
  if (day !== '*') {
    const number = parseInteger(day, 31);
    return weekday === '*' && number ? { ...base, frequency: 'monthly', day: number } : custom;
  }
  if (weekday === '*') {
    return { ...base, frequency: 'daily' };
  }
  if (weekday === 'MON-FRI' || weekday === '1-5') {
    return { ...base, frequency: 'weekdays' };
  }
  const weekdayName =
    WEEKDAYS.find(name => name === weekday) ??
    WEEKDAYS[WEEKDAY_NUMBERS.indexOf(weekday === '7' ? '0' : weekday)];
  return weekdayName ? { ...base, frequency: 'weekly', weekday: weekdayName } : custom;
}

function parseInteger(text: string, maximum: number): number | null {
  return /^\d{1,2}$/.test(text) && Number(text) <= maximum ? Number(text) : null;
}

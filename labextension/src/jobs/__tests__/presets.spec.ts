import { cronOf, Frequency, presetOf } from '../presets';

describe('presets', () => {
  it.each<[string, Frequency]>([
    ['15 * * * *', 'hourly'],
    ['30 8 * * *', 'daily'],
    ['0 6 * * MON-FRI', 'weekdays'],
    ['0 6 * * SUN', 'weekly'],
    ['5 23 31 * *', 'monthly']
  ])('%s is %s, and back', (cron, often) => {
    const preset = presetOf(cron);
    expect(preset.frequency).toBe(often);
    expect(cronOf(preset)).toBe(cron);
  });

  it.each([
    '*/5 * * * *',
    '0 6 1 * MON',
    '0 6 * 2 *',
    '0 6,18 * * *',
    '61 * * * *',
    'daily',
    '',
    '0 6 0 * *',
    '* * * * *'
  ])('%p is a custom one', cron => {
    expect(presetOf(cron).frequency).toBe('custom');
  });

  it('reads numbers of weekdays', () => {
    expect(presetOf('0 6 * * 1-5').frequency).toBe('weekdays');
    expect(presetOf('0 6 * * 0').weekday).toBe('SUN');
    expect(presetOf('0 6 * * 7').weekday).toBe('SUN');
    expect(presetOf('0 6 * * tue').weekday).toBe('TUE');
  });
});

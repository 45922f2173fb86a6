import { presetOf } from '../presets';
import { presetFrom, whenOf } from '../schedule';

describe('presetFrom', () => {
  const weekly = presetOf('30 8 * * WED');

  it('is the preset that its fields show', () => {
    expect(presetFrom(whenOf(weekly, '30 8 * * WED', 'UTC'), weekly)).toEqual(weekly);
  });

  it('takes the time of day, except where a minute of each hour is meant', () => {
    const when = { ...whenOf(weekly, '', 'UTC'), time: '09:15' };
    expect(presetFrom(when, weekly)).toMatchObject({ hour: 9, minute: 15 });
    const hourly = { ...when, frequency: 'hourly' as const, minute: 99 };
    expect(presetFrom(hourly, weekly)).toMatchObject({ hour: 8, minute: 59 });
  });

  it('keeps the hour while a time is half written', () => {
    const when = { ...whenOf(weekly, '', 'UTC'), time: '' };
    expect(presetFrom(when, weekly)).toMatchObject({ hour: 8, minute: 30 });
  });
});

import { changesOf } from '../editor';
import { IForm } from '../form';

const FORM: IForm = {
  step: 'train',
  wholeStep: false,
  role: '',
  gate: false,
  after: ['load'],
  retries: '',
  backoff: '',
  timeout: '',
  cache: '',
  limits: ''
};

describe('changesOf', () => {
  it('tells only what was changed', () => {
    expect(changesOf(FORM, { ...FORM, after: ['load', 'sum'] }, ['sum'])).toEqual({});
    expect(changesOf(FORM, { ...FORM, retries: '2' }, [])).toEqual({ retries: '2' });
  });

  it('does not say by a tag what a step waits for by its data', () => {
    expect(changesOf(FORM, { ...FORM, after: ['load', 'sum', 'clean'] }, ['sum'])).toEqual({
      after: ['load', 'clean']
    });
    expect(changesOf(FORM, { ...FORM, after: ['sum'] }, ['sum'])).toEqual({ after: [] });
  });
});

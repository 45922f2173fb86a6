import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { StepRun } from '../../types';
import { Reasons } from '../reasons';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

const told = (name: string, ...why: string[]): StepRun => ({
  name,
  state: 'completed',
  attempts: 1,
  seconds: 1,
  why
});

describe('Reasons', () => {
  it('shows every sentence below its step, and leaves out steps that say nothing', async () => {
    const place = document.createElement('div');
    const root = createRoot(place);
    const trans = nullTranslator.load('');
    const steps = [
      told('load', 'Cell 3 was taken from an earlier run.'),
      told('silent'),
      told('train', 'Cell 4 ran ahead in a second kernel.', 'Cell 5 ran on the main line: so.')
    ];
    await act(async () => root.render(<Reasons steps={steps} trans={trans} />));
    expect(Array.from(place.querySelectorAll('dt, dd'), one => one.textContent)).toEqual([
      'load',
      'Cell 3 was taken from an earlier run.',
      'train',
      'Cell 4 ran ahead in a second kernel.',
      'Cell 5 ran on the main line: so.'
    ]);
    await act(async () => root.unmount());
  });

  it('is not there where nothing is known', async () => {
    const place = document.createElement('div');
    const root = createRoot(place);
    await act(async () => root.render(<Reasons steps={[told('silent')]} trans={nullTranslator.load('')} />));
    expect(place.innerHTML).toBe('');
    await act(async () => root.unmount());
  });
});

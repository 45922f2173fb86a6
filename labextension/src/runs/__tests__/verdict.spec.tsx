import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { RunFeed } from '../../events';
import { IMlops } from '../../tokens';
import { Reproduction, Run } from '../../types';
import { useReproduction } from '../verdict';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

const quiet = { connect: () => true } as unknown as ConstructorParameters<typeof RunFeed>[0];
const answers = ['running', 'completed'].map(
  state => ({ run: { id: 'again', state }, verdict: null }) as unknown as Reproduction
);

describe('useReproduction', () => {
  it('hears of a run that was over before its name was known', async () => {
    const feed = new RunFeed(quiet);
    let asked = 0;
    const reproduction = () => {
      if (asked === 0) {
        feed.handle({ run: 'again', kind: 'run', time: '', state: 'completed' });
      }
      return Promise.resolve(answers[Math.min(asked++, 1)]);
    };
    const mlops = {
      feed,
      runs: { reproduction },
      trans: nullTranslator.load('')
    } as unknown as IMlops;
    const run = { id: 'first', state: 'completed' } as unknown as Run;
    let going: boolean | undefined;
    function View(): null {
      going = useReproduction(mlops, run).isRunning;
      return null;
    }
    const root = createRoot(document.createElement('div'));
    await act(async () => root.render(<View />));
    expect(asked).toBe(2);
    expect(going).toBe(false);
    await act(async () => root.unmount());
  });
});

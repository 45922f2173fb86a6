import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { PublishNotes } from '../publish';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

describe('Cautions', () => {
  it.each([
    [0, [], false],
    [2, ['note 0', 'note 1'], false],
    [8, ['note 0', 'note 1', 'note 2', 'note 3', 'note 4', 'note 5'], true]
  ])('shows %p notes', async (count, shown, more) => {
    const place = document.createElement('div');
    const root = createRoot(place);
    const notes = Array.from({ length: count }, (_, at) => `note ${at}`);
    await act(async () =>
      root.render(<PublishNotes mlops={{ trans: nullTranslator.load('') }} notes={notes} />)
    );
    expect(Array.from(place.querySelectorAll('li'), one => one.textContent)).toEqual(shown);
    expect(place.textContent!.includes('and 2 more')).toBe(more);
    expect(place.innerHTML === '').toBe(count === 0);
    await act(async () => root.unmount());
  });
});

import { ISignal } from '@lumino/signaling';
import * as React from 'react';

/** Render again whenever a signal is emitted, once a frame at most. */
export function useSignal(...signals: (ISignal<unknown, unknown> | undefined | null)[]): void {
  const [, count] = React.useReducer((now: number) => now + 1, 0);
  React.useEffect(() => {
    let frame = 0;
    const hear = () => {
      if (!frame) {
        frame = requestAnimationFrame(() => {
          frame = 0;
          count();
        });
      }
    };
    signals.forEach(signal => signal?.connect(hear));
    return () => {
      cancelAnimationFrame(frame);
      signals.forEach(signal => signal?.disconnect(hear));
    };
  }, signals);
}

/** Something that is asked of the server: the answer, or why there is none. */
export function useAnswer<T>(
  ask: () => Promise<T>,
  dependencies: React.DependencyList
): { value?: T; problem?: unknown; again: () => void } {
  const [told, setTold] = React.useState<{ value?: T; problem?: unknown }>({});
  const [turn, again] = React.useReducer((now: number) => now + 1, 0);
  React.useEffect(() => {
    let wanted = true;
    ask().then(
      value => wanted && setTold({ value }),
      problem => wanted && setTold(before => ({ ...before, problem }))
    );
    return () => {
      wanted = false;
    };
  }, [...dependencies, turn]);
  return { ...told, again };
}

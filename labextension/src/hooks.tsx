import { ISignal } from '@lumino/signaling';
import * as React from 'react';

/** Call a function whenever a signal is emitted. */
export function useSlot<T>(signal: ISignal<unknown, T> | undefined, slot: (args: T) => void): void {
  React.useEffect(() => {
    const onSignal = (_: unknown, args: T) => slot(args);
    signal?.connect(onSignal);
    return () => {
      signal?.disconnect(onSignal);
    };
  }, [signal, slot]);
}

/** Render again whenever a signal is emitted, once a frame at most. */
export function useSignal<T>(
  signal: ISignal<unknown, T> | undefined,
  isRelevant?: (args: T) => boolean
): void {
  const [, rerender] = React.useReducer((renderCount: number) => renderCount + 1, 0);
  const frame = React.useRef(0);
  React.useEffect(() => () => cancelAnimationFrame(frame.current), []);
  useSlot(
    signal,
    React.useCallback(
      (args: T) => {
        if (!frame.current && (!isRelevant || isRelevant(args))) {
          frame.current = requestAnimationFrame(() => {
            frame.current = 0;
            rerender();
          });
        }
      },
      [isRelevant]
    )
  );
}

/** What is asked of the server: the answer, or why there is none. */
export interface IRequest<T> {
  value?: T;
  problem?: unknown;
  refetch: () => void;
  /** Replace a part of the answer that is known better. */
  update: (change: (value: T) => T) => void;
}

/** Ask the server, and again whenever the key changes: what the request is about, and what makes its answer old.
 *
 * The request may take a signal, which is aborted once nobody waits for the answer.
 */
export function useRequest<T>(
  request: (signal: AbortSignal) => Promise<T>,
  key: readonly unknown[]
): IRequest<T> {
  const [state, setState] = React.useState<{ value?: T; problem?: unknown }>({});
  const [requestCount, refetch] = React.useReducer((count: number) => count + 1, 0);
  const latestRequest = React.useRef(request);
  React.useEffect(() => {
    latestRequest.current = request;
  });
  const keyText = JSON.stringify(key);
  React.useEffect(() => {
    let mounted = true;
    const controller = new AbortController();
    latestRequest.current(controller.signal).then(
      value => mounted && setState({ value }),
      problem => mounted && setState(previous => ({ ...previous, problem }))
    );
    return () => {
      mounted = false;
      controller.abort();
    };
  }, [keyText, requestCount]);
  const update = React.useCallback(
    (change: (value: T) => T) =>
      setState(previous =>
        previous.value === undefined ? previous : { ...previous, value: change(previous.value) }
      ),
    []
  );
  return { ...state, refetch, update };
}

/** A value that has not changed for a while. */
export function useDebounced<T>(value: T, delay: number): T {
  const [debounced, setDebounced] = React.useState(value);
  React.useEffect(() => {
    const timer = window.setTimeout(() => setDebounced(value), delay);
    return () => window.clearTimeout(timer);
  }, [value, delay]);
  return debounced;
}

/** The same object as long as it holds the same; for what is made anew at each rendering. */
export function useStable<T>(value: T): T {
  const text = JSON.stringify(value);
  return React.useMemo(() => JSON.parse(text) as T, [text]);
}

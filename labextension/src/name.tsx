import * as React from 'react';

const TAIL = 10; // characters at the end that are always shown

/** A name that loses its middle where there is no room for it: steps often begin with the same words. */
export function Name(props: { children: string }): JSX.Element {
  const letters = Array.from(props.children);
  const at = letters.length > 2 * TAIL ? letters.length - TAIL : letters.length;
  return (
    <span className="jp-mlops-short">
      <span>{letters.slice(0, at).join('')}</span>
      {at < letters.length ? <span>{letters.slice(at).join('')}</span> : null}
    </span>
  );
}

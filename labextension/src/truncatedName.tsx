import * as React from 'react';

const TAIL_LENGTH = 10; // characters at the end that are always shown

/** A name that loses its middle where there is no room for it: steps often begin with the same words. */
export function TruncatedName(props: { children: string }): JSX.Element {
  const characters = Array.from(props.children);
  const tailStart = characters.length > 2 * TAIL_LENGTH ? characters.length - TAIL_LENGTH : characters.length;
  return (
    <span className="jp-mlops-short">
      <span className="jp-mlops-truncate">{characters.slice(0, tailStart).join('')}</span>
      {tailStart < characters.length ? <span>{characters.slice(tailStart).join('')}</span> : null}
    </span>
  );
}

import * as React from 'react';

/** A row of tabs: arrows, Home and End go from one to the next. */
export function Tabs<T extends string>(props: {
  /** Beginning of the ids of the tabs; their panel is `${id}-part`. */
  id: string;
  label: string;
  names: readonly T[];
  words: Record<T, React.ReactNode>;
  value: T;
  onChange: (name: T) => void;
}): JSX.Element {
  const { id, names, value, onChange } = props;
  const go = (event: React.KeyboardEvent, from: number) => {
    const to = {
      ArrowRight: (from + 1) % names.length,
      ArrowLeft: (from + names.length - 1) % names.length,
      Home: 0,
      End: names.length - 1
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      onChange(names[to]);
      document.getElementById(`${id}-tab-${names[to]}`)?.focus();
    }
  };
  return (
    <div className="jp-mlops-tabs" role="tablist" aria-label={props.label}>
      {names.map((name, at) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`${id}-tab-${name}`}
          aria-selected={value === name}
          aria-controls={`${id}-part`}
          tabIndex={value === name ? 0 : -1}
          onClick={() => onChange(name)}
          onKeyDown={event => go(event, at)}
        >
          {props.words[name]}
        </button>
      ))}
    </div>
  );
}

/** What the chosen tab shows. */
export function TabPart(props: { id: string; name: string; children: React.ReactNode }): JSX.Element {
  return (
    <div
      className="jp-mlops-part"
      data-tab={props.name}
      role="tabpanel"
      id={`${props.id}-part`}
      aria-labelledby={`${props.id}-tab-${props.name}`}
      tabIndex={0}
    >
      {props.children}
    </div>
  );
}

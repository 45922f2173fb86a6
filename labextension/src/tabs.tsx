import { TabBar, Title, Widget } from '@lumino/widgets';
import * as React from 'react';

/** Ties each tab to the panel that all of them share. */
class Renderer extends TabBar.Renderer {
  constructor(private readonly _panel: string) {
    super();
  }

  override createTabKey(data: TabBar.IRenderData<string>): string {
    return `${this._panel}-tab-${data.title.owner}`;
  }

  override createTabARIA(data: TabBar.IRenderData<string>): ReturnType<TabBar.Renderer['createTabARIA']> {
    return { ...super.createTabARIA(data), 'aria-controls': `${this._panel}-part` };
  }
}

/** JupyterLab's tab bar: arrows, Home and End go from one tab to the next, Enter and Space choose it. */
export function Tabs<T extends string>(props: {
  /** Beginning of the ids; the panel is `${id}-part`. */
  id: string;
  label: string;
  names: readonly T[];
  labels: Record<T, string>;
  value: T;
  onChange: (name: T) => void;
}): JSX.Element {
  const { id, label, names, labels, value } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const bar = React.useRef<TabBar<string> | null>(null);
  const latest = React.useRef(props);
  React.useEffect(() => {
    latest.current = props;
  });
  // Taken away before React takes its node from the page: Lumino detaches only what is in there.
  React.useLayoutEffect(() => {
    const tabBar = new TabBar<string>({
      renderer: new Renderer(id),
      insertBehavior: 'none',
      removeBehavior: 'none'
    });
    tabBar.addClass('lm-TabPanel-tabBar');
    tabBar.currentChanged.connect((_, { currentTitle }) => {
      const name = currentTitle?.owner as T | undefined;
      if (name !== undefined && name !== latest.current.value) {
        latest.current.onChange(name);
      }
    });
    bar.current = tabBar;
    Widget.attach(tabBar, host.current!);
    return () => {
      bar.current = null;
      tabBar.dispose();
    };
  }, [id]);
  const text = JSON.stringify(names.map(name => [name, labels[name]]));
  React.useLayoutEffect(() => {
    const tabBar = bar.current!;
    tabBar.name = label;
    tabBar.clearTabs();
    for (const [name, tabLabel] of JSON.parse(text) as [T, string][]) {
      tabBar.addTab(new Title<string>({ owner: name, label: tabLabel }));
    }
  }, [id, label, text]);
  React.useLayoutEffect(() => {
    const tabBar = bar.current!;
    tabBar.currentIndex = tabBar.titles.findIndex(title => title.owner === value);
  }, [id, text, value]);
  return <div className="jp-mlops-tabs" ref={host} />;
}

/** What the chosen tab shows. */
export function TabPanel(props: { id: string; name: string; children: React.ReactNode }): JSX.Element {
  return (
    <div
      className="jp-mlops-part"
      data-tab={props.name}
      role="tabpanel"
      id={`${props.id}-part`}
      aria-label={props.name}
      tabIndex={0}
    >
      {props.children}
    </div>
  );
}

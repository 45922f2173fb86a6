import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { mlopsIcon } from '../icons';
import { useSignal } from '../hooks';
import { Problem } from '../notices';
import { IMlops } from '../tokens';
import { IRunActions } from './actions';
import { RunsGrid } from './grid';
import { RunItems } from './list';
import { RunList } from './model';

/** All runs of a notebook, with their steps. */
export function historyPage(
  mlops: IMlops,
  notebook: string,
  actions: IRunActions,
  compare: (first: string, second: string) => void
): MainAreaWidget<ReactWidget> {
  const content = ReactWidget.create(
    <History mlops={mlops} notebook={notebook} actions={actions} compare={compare} />
  );
  content.addClass('jp-mlops-page');
  const page = new MainAreaWidget({ content });
  page.toolbar.hide();
  page.id = `jupyter-mlops-history-${notebook}`;
  page.title.label = mlops.trans.__('%1: runs', notebook.split('/').pop()!);
  page.title.icon = mlopsIcon;
  page.title.closable = true;
  return page;
}

function History(props: {
  mlops: IMlops;
  notebook: string;
  actions: IRunActions;
  compare: (first: string, second: string) => void;
}): JSX.Element {
  const { mlops, notebook, actions } = props;
  const { trans } = mlops;
  const [state, setState] = React.useState('');
  const runs = React.useMemo(
    () => new RunList(mlops.runs, mlops.feed, { notebook, state: state || undefined }),
    [mlops, notebook, state]
  );
  React.useEffect(() => {
    void runs.refresh();
    return () => runs.dispose();
  }, [runs]);
  useSignal(runs.changed);
  return (
    <div className="jp-mlops-view jp-mlops-job">
      <header className="jp-mlops-line">
        <h2>{notebook}</h2>

        <select
          className="jp-mlops-choice"
          aria-label={trans.__('Which runs')}
          value={state}
          onChange={event => setState(event.target.value)}
        >
          <option value="">{trans.__('all runs')}</option>
          <option value="completed">{trans.__('completed')}</option>
          <option value="failed">{trans.__('failed')}</option>
          <option value="stopped">{trans.__('stopped')}</option>
        </select>
      </header>
      <Problem>{runs.problem}</Problem>
      <RunsGrid mlops={mlops} runs={runs} actions={actions} compare={props.compare} />
      <RunItems mlops={mlops} runs={runs} actions={actions} />
    </div>
  );
}

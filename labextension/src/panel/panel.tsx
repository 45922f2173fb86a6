import { NotebookPanel } from '@jupyterlab/notebook';
import { PanelWithToolbar, ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import { IStateDB } from '@jupyterlab/statedb';
import { AccordionPanel, Menu } from '@lumino/widgets';
import * as React from 'react';
import { mlopsIcon } from '../icons';
import { ParametersView } from '../parameters/view';
import { ChecksView } from '../pipeline/checks';
import { PipelineView } from '../pipeline/view';
import { IRunActions, startRun } from '../runs/actions';
import { RunsView } from '../runs/list';
import { useSignal } from '../hooks';
import { IMlops } from '../tokens';
import { IPublishActions, PublishView } from '../versions/view';
import { RunBar } from './toolbar';

const STATE_KEY = 'jupyter-mlops:sections';
const SECTION_SIZES = [4, 1.5, 2.2, 2, 1.6]; // of the sections, top to bottom

/** A view that follows the notebook that is worked on. */
function CurrentNotebookView(props: {
  mlops: IMlops;
  render: (panel: NotebookPanel) => JSX.Element;
}): JSX.Element | null {
  useSignal(props.mlops.currentChanged);
  const { current } = props.mlops;
  return current ? <React.Fragment key={current.id}>{props.render(current)}</React.Fragment> : null;
}

/** The side panel: what will happen to the notebook in production, and what happened last time. */
export class MlopsPanel extends SidePanel {
  constructor(
    mlops: IMlops,
    runs: IRunActions,
    publish: IPublishActions,
    menu: Menu,
    state: IStateDB | null
  ) {
    super({ translator: mlops.translator });
    const { trans } = mlops;
    this.id = 'jupyter-mlops-panel';
    this.title.icon = mlopsIcon;
    this.title.caption = trans.__('MLOps: pipeline, checks, parameters and runs of the notebook');
    this.addClass('jp-mlops-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MLOps'));
    const bar = ReactWidget.create(<RunBarView mlops={mlops} menu={menu} actions={runs} />);
    this.header.addWidget(bar);
    this._addSection(
      'pipeline',
      trans.__('Pipeline'),
      panel => <PipelineView mlops={mlops} panel={panel} run={() => void startRun(mlops, panel)} />,
      mlops
    );
    this._addSection(
      'checks',
      trans.__('Checks'),
      panel => <ChecksView mlops={mlops} panel={panel} />,
      mlops
    );
    this._addSection(
      'parameters',
      trans.__('Parameters'),
      panel => <ParametersView mlops={mlops} panel={panel} />,
      mlops
    );
    this._addSection(
      'runs',
      trans.__('Last runs'),
      panel => <RunsView mlops={mlops} panel={panel} actions={runs} />,
      mlops
    );
    this._addSection(
      'publish',
      trans.__('Publish and schedule'),
      panel => <PublishView mlops={mlops} panel={panel} actions={publish} />,
      mlops
    );
    const count = () => this._updateLabels(mlops);
    mlops.currentChanged.connect(() => {
      mlops.current && mlops.stateFor(mlops.current).pipeline.changed.connect(count);
      count();
    });
    if (state) {
      void this._restore(state);
    }
  }

  private _addSection(
    name: string,
    label: string,
    render: (panel: NotebookPanel) => JSX.Element,
    mlops: IMlops
  ): void {
    const section = new PanelWithToolbar();
    section.title.label = label;
    section.addClass('jp-mlops-section');
    section.addClass(`jp-mlops-section-${name}`);
    section.id = `jp-mlops-section-${name}`;
    section.addWidget(ReactWidget.create(<CurrentNotebookView mlops={mlops} render={render} />));
    this.addWidget(section);
    this._labels.set(name, [section, label]);
  }

  /** Numbers behind the names of sections. */
  private _updateLabels(mlops: IMlops): void {
    const state = mlops.current && !mlops.current.isDisposed ? mlops.stateFor(mlops.current) : null;
    const [pipeline, pipelineLabel] = this._labels.get('pipeline')!;
    const [checks, checksLabel] = this._labels.get('checks')!;
    const stepCount = state?.pipeline.tagged ? (state.pipeline.pipeline?.steps.length ?? 0) : 0;
    const checkCount = state?.pipeline.checks.length ?? 0;
    pipeline.title.label = stepCount
      ? `${pipelineLabel} · ${mlops.trans._n('%1 step', '%1 steps', stepCount)}`
      : pipelineLabel;
    checks.title.label = checkCount ? `${checksLabel} · ${checkCount}` : checksLabel;
  }

  /** Which sections are open is remembered. */
  private async _restore(state: IStateDB): Promise<void> {
    const openSections = (await state.fetch(STATE_KEY)) as Record<string, boolean> | undefined;
    const content = this.content as AccordionPanel;
    content.widgets.forEach((section, index) => {
      const open = openSections ? openSections[section.id] !== false : true;
      open ? content.expand(index) : content.collapse(index);
    });
    content.setRelativeSizes(SECTION_SIZES);
    content.expansionToggled.connect(() => {
      const sections = content.widgets.map(section => [section.id, section.isVisible] as const);
      void state.save(STATE_KEY, Object.fromEntries(sections));
    });
  }

  private _labels = new Map<string, [PanelWithToolbar, string]>();
}

function RunBarView(props: { mlops: IMlops; menu: Menu; actions: IRunActions }): JSX.Element {
  useSignal(props.mlops.currentChanged);
  const { current } = props.mlops;
  return (
    <RunBar key={current?.id} mlops={props.mlops} panel={current} menu={props.menu} actions={props.actions} />
  );
}

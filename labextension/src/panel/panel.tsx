import { NotebookPanel } from '@jupyterlab/notebook';
import { PanelWithToolbar, ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import { IStateDB } from '@jupyterlab/statedb';
import { AccordionPanel, Menu } from '@lumino/widgets';
import * as React from 'react';
import { mlopsIcon } from '../icons';
import { ParametersView } from '../parameters/view';
import { ChecksView } from '../pipeline/checks';
import { PipelineView } from '../pipeline/view';
import { IRunDoor } from '../runs/actions';
import { RunsView } from '../runs/list';
import { useSignal } from '../signal';
import { IMlops } from '../tokens';
import { IPublishDoor, PublishView } from '../versions/view';
import { RunBar } from './toolbar';

const STATE = 'jupyter-mlops:sections';
const SIZES = [4, 1.5, 2.2, 2, 1.6]; // of the sections, top to bottom

/** A view that follows the notebook that is worked on. */
function Following(props: {
  mlops: IMlops;
  show: (panel: NotebookPanel) => JSX.Element;
}): JSX.Element | null {
  useSignal(props.mlops.currentChanged);
  const { current } = props.mlops;
  return current ? <React.Fragment key={current.id}>{props.show(current)}</React.Fragment> : null;
}

/** The side panel: what will happen to the notebook in production, and what happened last time. */
export class MlopsPanel extends SidePanel {
  constructor(mlops: IMlops, runs: IRunDoor, publish: IPublishDoor, menu: Menu, state: IStateDB | null) {
    super({ translator: mlops.translator });
    const { trans } = mlops;
    this.id = 'jupyter-mlops-panel';
    this.title.icon = mlopsIcon;
    this.title.caption = trans.__('MLOps: pipeline, checks, parameters and runs of the notebook');
    this.addClass('jp-mlops-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MLOps'));
    const bar = ReactWidget.create(<Bar mlops={mlops} menu={menu} door={runs} />);
    this.header.addWidget(bar);
    this._add('pipeline', trans.__('Pipeline'), panel => <PipelineView mlops={mlops} panel={panel} />, mlops);
    this._add('checks', trans.__('Checks'), panel => <ChecksView mlops={mlops} panel={panel} />, mlops);
    this._add(
      'parameters',
      trans.__('Parameters'),
      panel => <ParametersView mlops={mlops} panel={panel} />,
      mlops
    );
    this._add(
      'runs',
      trans.__('Last runs'),
      panel => <RunsView mlops={mlops} panel={panel} door={runs} />,
      mlops
    );
    this._add(
      'publish',
      trans.__('Publish and schedule'),
      panel => <PublishView mlops={mlops} panel={panel} door={publish} />,
      mlops
    );
    const count = () => this._count(mlops);
    mlops.currentChanged.connect(() => {
      mlops.current && mlops.desk(mlops.current).pipeline.changed.connect(count);
      count();
    });
    if (state) {
      void this._restore(state);
    }
  }

  private _add(
    name: string,
    label: string,
    show: (panel: NotebookPanel) => JSX.Element,
    mlops: IMlops
  ): void {
    const section = new PanelWithToolbar();
    section.title.label = label;
    section.addClass('jp-mlops-section');
    section.addClass(`jp-mlops-section-${name}`);
    section.id = `jp-mlops-section-${name}`;
    section.addWidget(ReactWidget.create(<Following mlops={mlops} show={show} />));
    this.addWidget(section);
    this._labels.set(name, [section, label]);
  }

  /** Numbers behind the names of sections. */
  private _count(mlops: IMlops): void {
    const desk = mlops.current && !mlops.current.isDisposed ? mlops.desk(mlops.current) : null;
    const [pipeline, pipelineLabel] = this._labels.get('pipeline')!;
    const [checks, checksLabel] = this._labels.get('checks')!;
    const steps = desk?.pipeline.tagged ? (desk.pipeline.pipeline?.steps.length ?? 0) : 0;
    const found = desk?.pipeline.checks.length ?? 0;
    pipeline.title.label = steps
      ? `${pipelineLabel} · ${mlops.trans._n('%1 step', '%1 steps', steps)}`
      : pipelineLabel;
    checks.title.label = found ? `${checksLabel} · ${found}` : checksLabel;
  }

  /** Which sections are open is remembered. */
  private async _restore(state: IStateDB): Promise<void> {
    const known = (await state.fetch(STATE)) as Record<string, boolean> | undefined;
    const content = this.content as AccordionPanel;
    content.widgets.forEach((section, at) => {
      const open = known ? known[section.id] !== false : true;
      open ? content.expand(at) : content.collapse(at);
    });
    content.setRelativeSizes(SIZES);
    content.expansionToggled.connect(() => {
      const now = content.widgets.map(section => [section.id, section.isVisible] as const);
      void state.save(STATE, Object.fromEntries(now));
    });
  }

  private _labels = new Map<string, [PanelWithToolbar, string]>();
}

function Bar(props: { mlops: IMlops; menu: Menu; door: IRunDoor }): JSX.Element {
  useSignal(props.mlops.currentChanged);
  const { current } = props.mlops;
  return <RunBar key={current?.id} mlops={props.mlops} panel={current} menu={props.menu} door={props.door} />;
}

import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import * as React from 'react';
import { useRequest, useStable } from '../hooks';
import { formatValue } from '../format';
import { Placeholder } from '../notices';
import { IMlops } from '../tokens';
import { Run } from '../types';

const VEGA = [
  'application/vnd.vegalite.v6+json',
  'application/vnd.vegalite.v5+json',
  'application/vnd.vegalite.v4+json'
];

/** The metrics of a run, and each over the runs before it. */
export function Metrics(props: { mlops: IMlops; run: Run; rendermime: IRenderMimeRegistry }): JSX.Element {
  const { mlops, run } = props;
  const { trans } = mlops;
  const runsRequest = useRequest(
    () =>
      mlops.runs.list({
        notebook: run.notebook ?? undefined,
        job: run.job ?? undefined,
        state: ['completed'],
        limit: 200
      }),
    [run.id, run.state]
  );
  const names = Object.keys(run.metrics);
  const points = (runsRequest.value?.runs ?? []).flatMap(otherRun =>
    Object.entries(otherRun.metrics).flatMap(([name, value]) =>
      typeof value === 'number'
        ? [
            {
              metric: name,
              value,
              time: (otherRun.started ?? otherRun.created) * 1000,
              run: otherRun.id,
              this: otherRun.id === run.id
            }
          ]
        : []
    )
  );
  if (!names.length) {
    return (
      <Placeholder trans={trans}>
        {trans.__(
          'No metrics. Assign the role “metrics” to a cell; the numbers that it binds or prints become metrics of the run.'
        )}
      </Placeholder>
    );
  }
  return (
    <div>
      <table className="jp-mlops-table">
        <thead>
          <tr>
            <th>{trans.__('Metric')}</th>
            <th>{trans.__('Value')}</th>
          </tr>
        </thead>
        <tbody>
          {names.map(name => (
            <tr key={name}>
              <td>{name}</td>
              <td className="jp-mlops-number">{formatValue(run.metrics[name])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {points.length > names.length ? (
        <Chart
          points={points}
          rendermime={props.rendermime}
          label={trans.__('Metrics over runs')}
          menuLabel={trans.__('Save the chart')}
        />
      ) : null}
    </div>
  );
}

/** Lines over time, drawn by the Vega that JupyterLab ships. */
function Chart(props: {
  points: object[];
  rendermime: IRenderMimeRegistry;
  label: string;
  menuLabel: string;
}): JSX.Element | null {
  const { rendermime, menuLabel } = props;
  const container = React.useRef<HTMLDivElement>(null);
  const mime = VEGA.find(mimeType => rendermime.mimeTypes.includes(mimeType));
  const points = useStable(props.points);
  React.useEffect(() => {
    const node = container.current;
    if (!mime || !node) {
      return;
    }
    const renderer = rendermime.createRenderer(mime);
    const data = { [mime]: chartOf(points, getComputedStyle(document.body)) };
    void renderer.renderModel(new MimeModel({ data: data as never, trusted: true })).then(() => {
      node.querySelector('summary')?.setAttribute('aria-label', menuLabel); // Vega gives its menu no name
    });
    node.appendChild(renderer.node);
    return () => renderer.dispose();
  }, [rendermime, points, mime, menuLabel]);
  return mime ? (
    <div ref={container} className="jp-mlops-chart" role="figure" aria-label={props.label} />
  ) : null;
}

/** The Vega-Lite specification of a line for each metric. */
function chartOf(points: object[], style: CSSStyleDeclaration): object {
  const color = (name: string) => style.getPropertyValue(name).trim();
  const textColor = color('--jp-ui-font-color1');
  return {
    data: { values: points },
    facet: { field: 'metric', type: 'nominal', title: null, columns: 3 },
    resolve: { scale: { y: 'independent' } },
    config: {
      background: 'transparent',
      axis: { labelColor: textColor, titleColor: textColor },
      header: { labelColor: textColor },
      view: { stroke: null }
    },
    spec: {
      width: 220,
      height: 110,
      mark: { type: 'line', point: true, color: color('--jp-brand-color1') },
      encoding: {
        x: { field: 'time', type: 'temporal', title: null },
        y: { field: 'value', type: 'quantitative', title: null, scale: { zero: false } },
        tooltip: [{ field: 'run' }, { field: 'value' }]
      }
    }
  };
}

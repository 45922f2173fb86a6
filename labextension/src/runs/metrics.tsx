import { IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import * as React from 'react';
import { useAnswer } from '../signal';
import { short } from '../format';
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
  const told = useAnswer(
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
  const points = (told.value?.runs ?? []).flatMap(one =>
    Object.entries(one.metrics).flatMap(([name, value]) =>
      typeof value === 'number'
        ? [
            {
              metric: name,
              value,
              time: (one.started ?? one.created) * 1000,
              run: one.id,
              this: one.id === run.id
            }
          ]
        : []
    )
  );
  if (!names.length) {
    return (
      <div className="jp-mlops-empty">
        {trans.__(
          'None: give a cell the role “metrics”, and the numbers it binds or prints are the run’s metrics.'
        )}
      </div>
    );
  }
  return (
    <div className="jp-mlops-metrics">
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
              <td className="jp-mlops-number">{short(run.metrics[name])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {points.length > names.length ? (
        <Chart
          points={points}
          rendermime={props.rendermime}
          label={trans.__('Metrics over runs')}
          keep={trans.__('Keep the chart')}
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
  keep: string;
}): JSX.Element | null {
  const box = React.useRef<HTMLDivElement>(null);
  const mime = VEGA.find(one => props.rendermime.mimeTypes.includes(one));
  const text = JSON.stringify(props.points);
  React.useEffect(() => {
    const node = box.current;
    if (!mime || !node) {
      return;
    }
    const style = getComputedStyle(document.body);
    const colour = style.getPropertyValue('--jp-ui-font-color1').trim();
    const renderer = props.rendermime.createRenderer(mime);
    const data = {
      [mime]: {
        data: { values: props.points },
        width: 220,
        height: 110,
        facet: { field: 'metric', type: 'nominal', title: null, columns: 3 },
        resolve: { scale: { y: 'independent' } },
        config: {
          background: 'transparent',
          axis: { labelColor: colour, titleColor: colour },
          header: { labelColor: colour },
          view: { stroke: null }
        },
        spec: {
          width: 220,
          height: 110,
          mark: { type: 'line', point: true, color: '#0072B2' },
          encoding: {
            x: { field: 'time', type: 'temporal', title: null },
            y: { field: 'value', type: 'quantitative', title: null, scale: { zero: false } },
            tooltip: [{ field: 'run' }, { field: 'value' }]
          }
        }
      }
    };
    void renderer.renderModel(new MimeModel({ data: data as never, trusted: true })).then(() => {
      node.querySelector('summary')?.setAttribute('aria-label', props.keep); // Vega gives its menu no name
    });
    node.appendChild(renderer.node);
    return () => renderer.dispose();
  }, [text, mime]);
  return mime ? <div ref={box} className="jp-mlops-chart" role="figure" aria-label={props.label} /> : null;
}

import {
  BaseEdge,
  Controls,
  EdgeLabelRenderer,
  EdgeProps,
  getBezierPath,
  Handle,
  MiniMap,
  Node,
  NodeProps,
  Position,
  ReactFlow,
  ReactFlowInstance
} from '@xyflow/react';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { duration } from '../format';
import { Name } from '../name';
import { StateMark, stateWord } from '../states';
import { Pipeline, State, StepRun } from '../types';
import { IJoined, layout, NODE } from './layout';

const MANY = 20; // steps from which there is a map
const STEP = NODE.width / 2; // the graph is laid out anew when it has so much more or less room
const LEGIBLE = 0.75; // the smallest size at which names are read well
const DASHED = ['learned', 'prev', 'state', 'file'];

type StepData = {
  name: string;
  hue: string;
  run?: StepRun;
  title: string;
  trans: TranslationBundle;
};
type StepNode = Node<StepData, 'step'>;
type EdgeData = { joined: IJoined; lit: boolean };

const Step = React.memo(({ data, selected }: NodeProps<StepNode>): JSX.Element => (
  <div
    className="jp-mlops-node"
    data-state={data.run?.state ?? ''}
    data-selected={selected}
    style={{ ['--jp-mlops-hue' as string]: data.hue, width: NODE.width, height: NODE.height }}
    title={data.title}
  >
    <Handle type="target" position={Position.Top} isConnectable={false} />
    <span className="jp-mlops-node-name">
      <Name>{data.name}</Name>
    </span>
    {data.run ? (
      <span className="jp-mlops-node-last">
        <StateMark state={data.run.state as State} trans={data.trans}>
          {data.run.seconds ? duration(data.run.seconds) : stateWord(data.run.state as State, data.trans)}
        </StateMark>
        {data.run.state === 'cached' && data.run.seconds ? <span> · {data.trans.__('cached')}</span> : null}
      </span>
    ) : null}
    <Handle type="source" position={Position.Bottom} isConnectable={false} />
  </div>
));

function Join(props: EdgeProps): JSX.Element {
  const { joined, lit } = props.data as EdgeData;
  const [path, x, y] = getBezierPath(props);
  const dashed = joined.kinds.every(kind => DASHED.includes(kind));
  return (
    <>
      <BaseEdge
        id={props.id}
        path={path}
        className={`jp-mlops-join${dashed ? ' jp-mod-dashed' : ''}${lit ? ' jp-mod-lit' : ''}`}
        interactionWidth={14}
      />
      {lit && joined.variables.length ? (
        <EdgeLabelRenderer>
          <div
            className="jp-mlops-join-label"
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          >
            {joined.variables.join(', ')}
          </div>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
}

const NODE_TYPES = { step: Step };
const EDGE_TYPES = { join: Join };

/** The graph of a pipeline, top to bottom, with how each step stands. */
export default function Graph(props: {
  pipeline: Pipeline;
  hues: Map<string, string>;
  runs: ReadonlyMap<string, StepRun>;
  trans: TranslationBundle;
  onOpen?: (step: string) => void;
}): JSX.Element {
  const { pipeline, trans } = props;
  const [hovered, setHovered] = React.useState('');
  const [focused, setFocused] = React.useState('');
  const flow = React.useRef<ReactFlowInstance<StepNode> | null>(null);
  const box = React.useRef<HTMLDivElement>(null);
  const shape = JSON.stringify([pipeline.steps.map(one => one.name), pipeline.edges]);
  const [room, setRoom] = React.useState(0);
  const placed = React.useMemo(() => layout(pipeline, room || undefined), [shape, room]);
  const nodes = React.useMemo<StepNode[]>(
    () =>
      placed.nodes.map(({ name, x, y }) => {
        const step = pipeline.steps.find(one => one.name === name)!;
        const run = props.runs.get(name);
        const lines = [
          name,
          step.inputs.length ? trans.__('reads %1', step.inputs.join(', ')) : '',
          step.outputs.length ? trans.__('writes %1', step.outputs.join(', ')) : '',
          run ? stateWord(run.state as State, trans) : ''
        ].filter(Boolean);
        return {
          id: name,
          type: 'step',
          position: { x, y },
          data: { name, hue: props.hues.get(name) ?? '', run, title: lines.join('\n'), trans },
          width: NODE.width,
          height: NODE.height,
          ariaLabel: lines.join(', '),
          draggable: false,
          connectable: false
        };
      }),
    [placed, props.runs, props.hues, pipeline]
  );
  const edges = React.useMemo(
    () =>
      placed.edges.map(joined => ({
        id: joined.id,
        type: 'join',
        source: joined.source,
        target: joined.target,
        data: {
          joined,
          lit:
            hovered === joined.id || focused === joined.id || [joined.source, joined.target].includes(focused)
        },
        ariaLabel: trans.__('%1 to %2: %3', joined.source, joined.target, joined.variables.join(', ')),
        focusable: true
      })),
    [placed, hovered, focused]
  );
  const fit = React.useCallback(() => {
    const made = flow.current;
    const node = box.current;
    if (!made || !node || !node.clientWidth) {
      return;
    }
    setRoom(STEP * Math.floor(node.clientWidth / LEGIBLE / STEP));
    // All of it where that can be read; else its first step and what is around it, at a size that can.
    const width = Math.max(...placed.nodes.map(one => one.x + NODE.width));
    const height = Math.max(...placed.nodes.map(one => one.y + NODE.height));
    const whole = Math.min(1, (node.clientWidth - 16) / width, (node.clientHeight - 28) / height);
    const zoom = Math.max(whole, LEGIBLE);
    const fits = width * zoom <= node.clientWidth;
    const middle = fits ? width / 2 : placed.nodes[0].x + NODE.width / 2;
    const x = node.clientWidth / 2 - middle * zoom;
    const y = whole < zoom ? 8 : (node.clientHeight - 16 - height * zoom) / 2;
    void made.setViewport({ x, y, zoom });
  }, [placed]);
  React.useEffect(() => {
    const frame = requestAnimationFrame(fit);
    return () => cancelAnimationFrame(frame);
  }, [fit]);
  React.useEffect(() => {
    const observer = new ResizeObserver(fit);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [fit]);

  function focus(event: React.FocusEvent): void {
    const node = (event.target as HTMLElement).closest<HTMLElement>('[data-id]');
    setFocused(node?.dataset.id ?? '');
  }

  return (
    <div
      className="jp-mlops-graph"
      ref={box}
      onFocus={focus}
      onBlur={() => setFocused('')}
      onKeyDown={event => {
        if ((event.key === 'Enter' || event.key === ' ') && focused && props.runs) {
          event.stopPropagation();
          props.onOpen?.(focused);
        }
      }}
    >
      <ReactFlow<StepNode>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onInit={made => {
          flow.current = made;
          fit();
        }}
        onNodeClick={(_, node) => props.onOpen?.(node.id)}
        onEdgeMouseEnter={(_, edge) => setHovered(edge.id)}
        onEdgeMouseLeave={() => setHovered('')}
        nodesDraggable={false}
        nodesConnectable={false}
        deleteKeyCode={null}
        minZoom={0.05}
        maxZoom={2}
        zoomOnScroll={false}
        panOnScroll
        proOptions={{ hideAttribution: false }}
        aria-label={trans.__('Pipeline of %1 steps', pipeline.steps.length)}
      >
        <Controls
          position="bottom-left"
          orientation="horizontal"
          showInteractive={false}
          aria-label={trans.__('Zoom')}
        />
        {pipeline.steps.length >= MANY ? (
          <MiniMap
            pannable
            ariaLabel={trans.__('Map of the pipeline')}
            nodeColor={node => (node.data as StepData).hue || 'gray'}
            style={{ width: 90, height: 60 }}
          />
        ) : null}
      </ReactFlow>
    </div>
  );
}

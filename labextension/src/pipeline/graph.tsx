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
  ReactFlowInstance,
  Viewport
} from '@xyflow/react';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatDuration } from '../format';
import { useStable } from '../hooks';
import { TruncatedName } from '../truncatedName';
import { StateBadge, stateLabel } from '../stateBadge';
import { Pipeline, State, StepRun } from '../types';
import { ILayout, IMergedEdge, layout, NODE } from './layout';

const MINIMAP_MIN_STEPS = 20; // steps from which there is a map
const WIDTH_STEP = NODE.width / 2; // the graph is laid out anew when it has so much more or less room
const CONTROLS_HEIGHT = 26; // pixels for the controls, below the steps
const MIN_LEGIBLE_ZOOM = 0.75; // the smallest size at which names are read well
const DASHED_KINDS = ['learned', 'prev', 'state', 'file'];

type StepData = {
  name: string;
  color: string;
  run?: StepRun;
  title: string;
  trans: TranslationBundle;
};
type StepNode = Node<StepData, 'step'>;
type EdgeData = { edge: IMergedEdge; highlighted: boolean };

const Step = React.memo(({ data, selected }: NodeProps<StepNode>): JSX.Element => (
  <div
    className="jp-mlops-node"
    data-state={data.run?.state ?? ''}
    data-selected={selected}
    style={{ ['--jp-mlops-hue' as string]: data.color, width: NODE.width, height: NODE.height }}
    title={data.title}
  >
    <Handle type="target" position={Position.Top} isConnectable={false} />
    <span className="jp-mlops-name">
      <TruncatedName>{data.name}</TruncatedName>
    </span>
    {data.run ? (
      <span className="jp-mlops-row jp-mlops-small">
        <StateBadge state={data.run.state as State} trans={data.trans}>
          {data.run.seconds
            ? formatDuration(data.run.seconds)
            : stateLabel(data.run.state as State, data.trans)}
        </StateBadge>
        {data.run.state === 'cached' && data.run.seconds ? <span> · {data.trans.__('cached')}</span> : null}
      </span>
    ) : null}
    <Handle type="source" position={Position.Bottom} isConnectable={false} />
  </div>
));

function EdgeLine(props: EdgeProps): JSX.Element {
  const { edge, highlighted } = props.data as EdgeData;
  const [path, x, y] = getBezierPath(props);
  const isDashed = edge.kinds.every(kind => DASHED_KINDS.includes(kind));
  return (
    <>
      <BaseEdge
        id={props.id}
        path={path}
        className={`jp-mlops-join${isDashed ? ' jp-mod-dashed' : ''}${highlighted ? ' jp-mod-lit' : ''}`}
        interactionWidth={14}
      />
      {highlighted && edge.variables.length ? (
        <EdgeLabelRenderer>
          <div
            className="jp-mlops-join-label"
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          >
            {edge.variables.join(', ')}
          </div>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
}

const NODE_TYPES = { step: Step };
const EDGE_TYPES = { join: EdgeLine };

interface IGraphProps {
  pipeline: Pipeline;
  colors: Map<string, string>;
  runs: ReadonlyMap<string, StepRun>;
  trans: TranslationBundle;
  onOpen?: (step: string) => void;
}

/** The steps of a pipeline where the layout puts them. */
function useNodes(props: IGraphProps, pipeline: Pipeline, graphLayout: ILayout): StepNode[] {
  const { colors, runs, trans } = props;
  return React.useMemo(
    () =>
      graphLayout.nodes.map(({ name, x, y }) => {
        const step = pipeline.steps.find(step => step.name === name)!;
        const run = runs.get(name);
        const lines = [
          name,
          step.inputs.length ? trans.__('reads %1', step.inputs.join(', ')) : '',
          step.outputs.length ? trans.__('writes %1', step.outputs.join(', ')) : '',
          run ? stateLabel(run.state as State, trans) : ''
        ].filter(Boolean);
        return {
          id: name,
          type: 'step',
          position: { x, y },
          data: { name, color: colors.get(name) ?? '', run, title: lines.join('\n'), trans },
          width: NODE.width,
          height: NODE.height,
          ariaLabel: lines.join(', '),
          draggable: false,
          connectable: false
        };
      }),
    [graphLayout, runs, colors, pipeline, trans]
  );
}

/** The edges of a pipeline; those of a step or an edge that is pointed at tell their variables. */
function useEdges(graphLayout: ILayout, trans: TranslationBundle, hovered: string, focused: string) {
  return React.useMemo(
    () =>
      graphLayout.edges.map(edge => ({
        id: edge.id,
        type: 'join',
        source: edge.source,
        target: edge.target,
        data: {
          edge,
          highlighted:
            hovered === edge.id || focused === edge.id || [edge.source, edge.target].includes(focused)
        },
        ariaLabel: trans.__('%1 to %2: %3', edge.source, edge.target, edge.variables.join(', ')),
        focusable: true
      })),
    [graphLayout, hovered, focused, trans]
  );
}

/** All of a graph where that can be read; else its first step and what is around it, at a size that can. */
function viewportOf(graphLayout: ILayout, room: { width: number; height: number }): Viewport {
  const width = Math.max(...graphLayout.nodes.map(step => step.x + NODE.width));
  const height = Math.max(...graphLayout.nodes.map(step => step.y + NODE.height));
  const fitZoom = Math.min(1, (room.width - 16) / width, (room.height - 12) / height);
  const zoom = Math.max(fitZoom, MIN_LEGIBLE_ZOOM);
  const fits = width * zoom <= room.width;
  const middle = fits ? width / 2 : graphLayout.nodes[0].x + NODE.width / 2;
  return {
    x: room.width / 2 - middle * zoom,
    y: fitZoom < zoom ? 8 : (room.height - height * zoom) / 2,
    zoom
  };
}

/** The graph of a pipeline, top to bottom, with how each step stands. */
export default function Graph(props: IGraphProps): JSX.Element {
  const { trans } = props;
  const pipeline = useStable(props.pipeline);
  const [hovered, setHovered] = React.useState('');
  const [focused, setFocused] = React.useState('');
  const flow = React.useRef<ReactFlowInstance<StepNode> | null>(null);
  const container = React.useRef<HTMLDivElement>(null);
  const [availableWidth, setAvailableWidth] = React.useState(0);
  const graphLayout = React.useMemo(
    () => layout(pipeline, availableWidth || undefined),
    [pipeline, availableWidth]
  );
  const nodes = useNodes(props, pipeline, graphLayout);
  const edges = useEdges(graphLayout, trans, hovered, focused);
  const fit = React.useCallback(() => {
    const node = container.current;
    if (flow.current && node?.clientWidth) {
      setAvailableWidth(WIDTH_STEP * Math.floor(node.clientWidth / MIN_LEGIBLE_ZOOM / WIDTH_STEP));
      const room = { width: node.clientWidth, height: node.clientHeight - CONTROLS_HEIGHT };
      void flow.current.setViewport(viewportOf(graphLayout, room));
    }
  }, [graphLayout]);
  React.useEffect(() => {
    const frame = requestAnimationFrame(fit);
    const observer = new ResizeObserver(fit);
    observer.observe(container.current!);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    };
  }, [fit]);

  function focus(event: React.FocusEvent): void {
    const node = (event.target as HTMLElement).closest<HTMLElement>('[data-id]');
    setFocused(node?.dataset.id ?? '');
  }

  return (
    <div
      className="jp-mlops-graph"
      ref={container}
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
        onInit={instance => {
          flow.current = instance;
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
        {pipeline.steps.length >= MINIMAP_MIN_STEPS ? (
          <MiniMap
            pannable
            ariaLabel={trans.__('Map of the pipeline')}
            nodeColor={node => (node.data as StepData).color || 'gray'}
            style={{ width: 90, height: 60 }}
          />
        ) : null}
      </ReactFlow>
    </div>
  );
}

import * as dagre from '@dagrejs/dagre';
import { Edge, Pipeline } from '../types';

export const NODE = { width: 168, height: 40 };

export interface IPlaced {
  name: string;
  x: number;
  y: number;
}

export interface IJoined {
  id: string;
  source: string;
  target: string;
  variables: string[];
  kinds: Edge['kind'][];
}

/** Where each step stands, and which are joined: several edges between the same two are one line. */
export function layout(pipeline: Pipeline): { nodes: IPlaced[]; edges: IJoined[] } {
  const joined = new Map<string, IJoined>();
  for (const edge of pipeline.edges) {
    const id = JSON.stringify([edge.from, edge.to]);
    const known = joined.get(id) ?? { id, source: edge.from, target: edge.to, variables: [], kinds: [] };
    known.variables = [...new Set([...known.variables, ...edge.variables])];
    known.kinds = [...new Set([...known.kinds, edge.kind])];
    joined.set(id, known);
  }
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 34 });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Map(pipeline.steps.map(({ name }, place) => [name, `s${place}`])); // a name may be `__proto__`
  for (const id of ids.values()) {
    graph.setNode(id, { ...NODE });
  }
  for (const { source, target } of joined.values()) {
    graph.setEdge(ids.get(source)!, ids.get(target)!);
  }
  dagre.layout(graph);
  const nodes = pipeline.steps.map(({ name }) => {
    const { x, y } = graph.node(ids.get(name)!);
    return { name, x: x - NODE.width / 2, y: y - NODE.height / 2 };
  });
  return { nodes, edges: [...joined.values()] };
}

import * as dagre from '@dagrejs/dagre';
import { Edge, Pipeline } from '../types';

export const NODE = { width: 168, height: 40 };
const COMPONENT_GAP = 26; // between what nothing joins

export interface INodePosition {
  name: string;
  x: number;
  y: number;
}

export interface IMergedEdge {
  id: string;
  source: string;
  target: string;
  variables: string[];
  kinds: Edge['kind'][];
}

export interface ILayout {
  nodes: INodePosition[];
  edges: IMergedEdge[];
}

/** Where each step stands, and which are joined: several edges between the same two are one line.
 *
 * What nothing joins stands side by side, in rows that are no wider than `room` where that can be.
 */
export function layout(pipeline: Pipeline, maxWidth = Number.POSITIVE_INFINITY): ILayout {
  const edges = new Map<string, IMergedEdge>();
  for (const edge of pipeline.edges) {
    const id = JSON.stringify([edge.from, edge.to]);
    const mergedEdge = edges.get(id) ?? { id, source: edge.from, target: edge.to, variables: [], kinds: [] };
    mergedEdge.variables = [...new Set([...mergedEdge.variables, ...edge.variables])];
    mergedEdge.kinds = [...new Set([...mergedEdge.kinds, edge.kind])];
    edges.set(id, mergedEdge);
  }
  const positions = new Map<string, { x: number; y: number }>();
  let [left, top, bottom] = [0, 0, 0];
  for (const names of connectedComponents(pipeline, [...edges.values()])) {
    const component = layoutComponent(names, edges.values());
    if (left && left + component.width > maxWidth) {
      [left, top] = [0, bottom + COMPONENT_GAP];
    }
    component.positions.forEach(({ x, y }, name) => positions.set(name, { x: left + x, y: top + y }));
    left += component.width + COMPONENT_GAP;
    bottom = Math.max(bottom, top + component.height);
  }
  const nodes = pipeline.steps.map(({ name }) => ({ name, ...positions.get(name)! }));
  return { nodes, edges: [...edges.values()] };
}

/** The steps in groups that nothing joins, in the order of the notebook. */
function connectedComponents(pipeline: Pipeline, edges: readonly IMergedEdge[]): string[][] {
  const group = new Map(pipeline.steps.map(({ name }) => [name, name]));
  const root = (name: string): string => (group.get(name) === name ? name : root(group.get(name)!));
  for (const { source, target } of edges) {
    group.set(root(target), root(source));
  }
  const components = new Map<string, string[]>();
  for (const { name } of pipeline.steps) {
    components.set(root(name), [...(components.get(root(name)) ?? []), name]);
  }
  return [...components.values()];
}

/** Where these steps stand, from their upper left corner, and how much room they take. */
function layoutComponent(
  names: readonly string[],
  edges: Iterable<IMergedEdge>
): { width: number; height: number; positions: Map<string, { x: number; y: number }> } {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 34 });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Map(names.map((name, index) => [name, `s${index}`])); // a name may be `__proto__`
  for (const id of ids.values()) {
    graph.setNode(id, { ...NODE });
  }
  for (const { source, target } of edges) {
    if (ids.has(source)) {
      graph.setEdge(ids.get(source)!, ids.get(target)!);
    }
  }
  dagre.layout(graph);
  const positions = new Map<string, { x: number; y: number }>();
  ids.forEach((id, name) => {
    const { x, y } = graph.node(id);
    positions.set(name, { x: x - NODE.width / 2, y: y - NODE.height / 2 });
  });
  const { width, height } = graph.graph();
  return { width: width ?? NODE.width, height: height ?? NODE.height, positions };
}

import * as dagre from '@dagrejs/dagre';
import { Edge, Pipeline } from '../types';

export const NODE = { width: 168, height: 40 };
const GAP = 26; // between what nothing joins

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

/** Where each step stands, and which are joined: several edges between the same two are one line.
 *
 * What nothing joins stands side by side, in rows that are no wider than `room` where that can be.
 */
export function layout(
  pipeline: Pipeline,
  room = Number.POSITIVE_INFINITY
): { nodes: IPlaced[]; edges: IJoined[] } {
  const joined = new Map<string, IJoined>();
  for (const edge of pipeline.edges) {
    const id = JSON.stringify([edge.from, edge.to]);
    const known = joined.get(id) ?? { id, source: edge.from, target: edge.to, variables: [], kinds: [] };
    known.variables = [...new Set([...known.variables, ...edge.variables])];
    known.kinds = [...new Set([...known.kinds, edge.kind])];
    joined.set(id, known);
  }
  const places = new Map<string, { x: number; y: number }>();
  let [left, top, bottom] = [0, 0, 0];
  for (const names of apart(pipeline, [...joined.values()])) {
    const part = place(names, joined.values());
    if (left && left + part.width > room) {
      [left, top] = [0, bottom + GAP];
    }
    part.places.forEach(({ x, y }, name) => places.set(name, { x: left + x, y: top + y }));
    left += part.width + GAP;
    bottom = Math.max(bottom, top + part.height);
  }
  const nodes = pipeline.steps.map(({ name }) => ({ name, ...places.get(name)! }));
  return { nodes, edges: [...joined.values()] };
}

/** The steps in groups that nothing joins, in the order of the notebook. */
function apart(pipeline: Pipeline, joined: readonly IJoined[]): string[][] {
  const group = new Map(pipeline.steps.map(({ name }) => [name, name]));
  const root = (name: string): string => (group.get(name) === name ? name : root(group.get(name)!));
  for (const { source, target } of joined) {
    group.set(root(target), root(source));
  }
  const found = new Map<string, string[]>();
  for (const { name } of pipeline.steps) {
    found.set(root(name), [...(found.get(root(name)) ?? []), name]);
  }
  return [...found.values()];
}

/** Where these steps stand, from their upper left corner, and how much room they take. */
function place(
  names: readonly string[],
  joined: Iterable<IJoined>
): { width: number; height: number; places: Map<string, { x: number; y: number }> } {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 34 });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Map(names.map((name, at) => [name, `s${at}`])); // a name may be `__proto__`
  for (const id of ids.values()) {
    graph.setNode(id, { ...NODE });
  }
  for (const { source, target } of joined) {
    if (ids.has(source)) {
      graph.setEdge(ids.get(source)!, ids.get(target)!);
    }
  }
  dagre.layout(graph);
  const places = new Map<string, { x: number; y: number }>();
  ids.forEach((id, name) => {
    const { x, y } = graph.node(id);
    places.set(name, { x: x - NODE.width / 2, y: y - NODE.height / 2 });
  });
  const { width, height } = graph.graph();
  return { width: width ?? NODE.width, height: height ?? NODE.height, places };
}

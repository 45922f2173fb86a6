import { Pipeline } from '../../types';
import { layout, NODE } from '../layout';

function pipeline(names: string[], edges: [string, string, string, string][]): Pipeline {
  return {
    name: 'x',
    language: 'python',
    kernel: 'python3',
    parameters: [],
    metrics: [],
    skipped: [],
    fusions: [],
    steps: names.map(name => ({
      name,
      cells: [],
      inputs: [],
      outputs: [],
      after: [],
      settings: {} as never
    })),
    edges: edges.map(([from, to, variable, kind]) => ({
      from,
      to,
      variables: [variable],
      kind: kind as never
    }))
  };
}

describe('layout', () => {
  it('puts what is waited for above, and no step over another', () => {
    const names = Array.from({ length: 40 }, (_, n) => `s${n}`);
    const edges = names
      .slice(1)
      .map((name, n) => [names[Math.floor(n / 3)], name, 'x', 'data'] as [string, string, string, string]);
    const { nodes } = layout(pipeline(names, edges));
    const at = new Map(nodes.map(node => [node.name, node]));
    for (const [from, to] of edges) {
      expect(at.get(from)!.y + NODE.height).toBeLessThanOrEqual(at.get(to)!.y);
    }
    for (const one of nodes) {
      for (const two of nodes) {
        const apart = Math.abs(one.x - two.x) >= NODE.width || Math.abs(one.y - two.y) >= NODE.height;
        expect(one === two || apart).toBe(true);
      }
    }
  });

  it('puts what nothing joins side by side, or below where there is no room', () => {
    const parts = pipeline(
      ['a', 'b', 'c', 'd', '__proto__'],
      [
        ['a', 'c', 'x', 'data'],
        ['b', 'd', 'y', 'data']
      ]
    );
    const wide = new Map(layout(parts).nodes.map(one => [one.name, one]));
    expect([...wide.values()].map(({ y }) => y)).toEqual([0, 0, wide.get('c')!.y, wide.get('c')!.y, 0]);
    expect(wide.get('a')!.x).toBeLessThan(wide.get('b')!.x);
    const narrow = new Map(layout(parts, 1.5 * NODE.width).nodes.map(one => [one.name, one]));
    expect(new Set([...narrow.values()].map(({ x }) => x))).toEqual(new Set([0]));
    const order = [...narrow.values()].sort((one, two) => one.y - two.y).map(({ name }) => name);
    expect(order).toEqual(['a', 'c', 'b', 'd', '__proto__']);
    expect(new Set([...narrow.values()].map(({ y }) => y)).size).toBe(5);
  });

  it('draws one line between two steps, whatever joins them', () => {
    const { edges } = layout(
      pipeline(
        ['a', 'b'],
        [
          ['a', 'b', 'x', 'data'],
          ['a', 'b', 'f.csv', 'file'],
          ['a', 'b', 'x', 'learned']
        ]
      )
    );
    expect(edges).toHaveLength(1);
    expect([edges[0].variables, edges[0].kinds]).toEqual([
      ['x', 'f.csv'],
      ['data', 'file', 'learned']
    ]);
  });

  it('takes names that are not identifiers', () => {
    const { nodes } = layout(pipeline(['__proto__', 'constructor', 'a.b-c'], []));
    expect(nodes.map(node => node.name)).toEqual(['__proto__', 'constructor', 'a.b-c']);
  });
});

/** @file What was last worked out for a graph, for whoever asks the same of it again. */

import type { Graph } from './graph.ts';

/** Remembers one result per graph, as long as the graph itself is there. */
export class LastOfGraph<T> {
  private readonly results = new WeakMap<Graph, { readonly key: string; readonly result: T }>();

  /** The last result again if the key is the same; it must tell apart all that `make` depends on besides the graph. */
  get(graph: Graph, key: string, make: () => T): T {
    const last = this.results.get(graph);
    if (last?.key === key) return last.result;
    const result = make();
    this.results.set(graph, { key, result });
    return result;
  }
}

/** @file What a worker's entry file does: expose the service at once, so that no message is missed. */

import { type Endpoint, expose, transfer } from 'comlink';
import { type AnyTileKind, TILE_KINDS } from './kinds.ts';
import { buffersOf } from './shared-arrays.ts';
import { type Reply, TileServer, type TileService } from './tile-service.ts';

/** Serves tiles of the given kinds at an endpoint, once `ready` resolves; results are transferred, not copied. */
export function serveTiles(endpoint: Endpoint, kinds: readonly AnyTileKind[] = TILE_KINDS, ready?: Promise<void>): void {
  const server = new TileServer(kinds);
  const sent = <T>(reply: Reply<T>): Reply<T> => ('value' in reply ? transfer(reply, buffersOf(reply.value)) : reply);
  const service: TileService = {
    async start(options) {
      await ready;
      return server.start(options);
    },
    open: (request) => server.open(request),
    block: (block) => sent(server.block(block)),
    tile: (tile, known) => sent(server.tile(tile, known)),
    close: () => server.close(),
  };
  expose(service, endpoint);
}

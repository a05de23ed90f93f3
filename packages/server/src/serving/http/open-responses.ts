import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The last response of each connection: what a drain has to look at. */
export interface OpenResponses {
  opened(socket: Socket): void;
  began(socket: Socket, response: ServerResponse): void;
  all(): ServerResponse[];
}

interface Connection {
  response: ServerResponse | undefined;
  /** Its place in the list. */
  at: number;
}

/**
 * A list in which the last takes the place of one that ends, and not a `Map`: what a map was before it grew goes on
 * pointing to what it became, so that the responses of connections that are long closed would be kept.
 */
export function createOpenResponses(): OpenResponses {
  const connections: Connection[] = [];
  const bySocket = new WeakMap<Socket, Connection>();

  const close = (connection: Connection): void => {
    connection.response = undefined;
    const last = connections.pop();
    if (last === undefined || last === connection) return;
    last.at = connection.at;
    connections[last.at] = last;
  };

  return {
    opened: (socket) => {
      const connection: Connection = { response: undefined, at: connections.length };
      connections.push(connection);
      bySocket.set(socket, connection);
      socket.once('close', () => close(connection));
    },
    began: (socket, response) => {
      const connection = bySocket.get(socket);
      if (connection !== undefined) connection.response = response;
    },
    all: () => connections.flatMap(({ response }) => response ?? []),
  };
}

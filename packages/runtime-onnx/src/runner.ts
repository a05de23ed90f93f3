import { type Server, type Socket, createServer } from 'node:net';
import {
  type Frame,
  type FrameLimits,
  type Hello,
  MusterError,
  type ReadFrame,
  defaultFrameLimits,
  frameKinds,
  giveBack,
  linkVersion,
  readTensors,
  tensorHeaders,
} from '@muster-ml/protocol';
import { type Connection, openConnection } from './connection.ts';
import { readHello, readInferHeader, readLoadRequest, readReplicaId } from './link-requests.ts';
import type { ListenAddress } from './listen-address.ts';
import { type ReplicaTable, createReplicaTable } from './replica-table.ts';
import { type RunQueueLimits, RunQueue, defaultQueueLimits } from './run-queue.ts';

export interface RunnerOptions {
  /** What this program is, for the greeting: names and versions. */
  readonly software: string;
  readonly frameLimits?: FrameLimits;
  readonly queueLimits?: RunQueueLimits;
}

const maxConnections = 64;

/** A request of one connection that waits or runs. */
interface PendingRequest {
  readonly request: number;
  /** Takes it out of the queue and says whether it had not begun. */
  remove: () => boolean;
  isForgotten: boolean;
}

/**
 * All of a connection: a few, since the peer sends the next batch when it has an answer. Not a `Map`: what it was before
 * it grew goes on pointing to what it became, and so keeps the tensors of requests that are long answered.
 */
type Pending = PendingRequest[];

/** Serves the runtime link: replicas are loaded, run and released here, one job at a time. */
export class Runner {
  readonly #hello: Omit<Hello, 'ready'>;
  readonly #frameLimits: FrameLimits;
  readonly #queue: RunQueue;
  readonly #replicas: ReplicaTable;
  /** Everybody that the greeting was sent to, and so the replicas that were ready then: what changes since is told as it happens. */
  readonly #greeted = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor({ software, frameLimits = defaultFrameLimits, queueLimits = defaultQueueLimits }: RunnerOptions) {
    this.#hello = { link: linkVersion, role: 'onnx', software };
    this.#frameLimits = frameLimits;
    this.#queue = new RunQueue(queueLimits);
    this.#replicas = createReplicaTable((event) => {
      for (const connection of this.#greeted) connection.send(frameKinds.replicaEvent, 0, event);
    });
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = maxConnections;
  }

  /** Listens; resolves to the port for TCP, which may have been 0. */
  async start(address: ListenAddress): Promise<number | undefined> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, resolve);
    });
    const bound = this.#server.address();
    return typeof bound === 'object' ? bound?.port : undefined;
  }

  /** Finishes the run that is under way, sends its answer and closes; what waits is not begun. */
  async stop(): Promise<void> {
    this.#server.close();
    await this.#queue.stop();
    await Promise.all(
      [...this.#sockets].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.end(() => socket.destroy());
          }),
      ),
    );
  }

  #accept(socket: Socket): void {
    const pending: Pending = [];
    const connection = openConnection(socket, this.#frameLimits, {
      onHello: (frame) => void readHello(frame.header),
      onFrame: (frame) => this.#dispatch(connection, pending, frame),
      onClose: () => {
        this.#greeted.delete(connection);
        this.#sockets.delete(socket);
        for (const { remove } of pending) remove();
      },
    });
    this.#sockets.add(socket);
    connection.send(frameKinds.hello, 0, { ...this.#hello, ready: this.#replicas.ready() } satisfies Hello);
    // Not only once the peer's own greeting is here: it would never hear of a replica that became ready between the two.
    this.#greeted.add(connection);
  }

  #dispatch(connection: Connection, pending: Pending, frame: ReadFrame): void {
    switch (frame.kind) {
      case frameKinds.infer:
        return this.#infer(connection, pending, frame);
      case frameKinds.load:
        return this.#load(connection, frame);
      case frameKinds.unload:
        return this.#unload(connection, frame);
      case frameKinds.health:
        return this.#enqueue(connection, frame, ' health', 0, async () =>
          connection.send(frameKinds.healthReport, frame.request, this.#replicas.report()),
        );
      case frameKinds.cancel: {
        const waiting = pending.find(({ request }) => request === frame.request);
        if (waiting?.remove() === true) end(pending, waiting);
        else if (waiting !== undefined) waiting.isForgotten = true;
        return;
      }
      case frameKinds.hello:
      case frameKinds.loaded:
      case frameKinds.unloaded:
      case frameKinds.result:
      case frameKinds.error:
      case frameKinds.healthReport:
      case frameKinds.replicaEvent:
      case frameKinds.body:
      case frameKinds.chunk:
      case frameKinds.end:
        throw new MusterError('link_violation', `the onnx runtime does not take frames of kind ${frame.kind}`);
    }
  }

  #infer(connection: Connection, pending: Pending, { header, payload, request, memory }: ReadFrame): void {
    const { replica, inputs, outputs } = readInferHeader(header);
    const tensors = readTensors(inputs, payload);
    if (pending.some((other) => other.request === request))
      throw new MusterError('link_violation', `request ${request} is open already`);
    const own: PendingRequest = { request, remove: () => false, isForgotten: false };
    own.remove = this.#queue.add(replica, {
      weightBytes: payload.byteLength,
      run: async () => {
        try {
          const result = await this.#replicas.run(replica, tensors, outputs);
          if (own.isForgotten) return;
          connection.send(
            frameKinds.result,
            request,
            { outputs: tensorHeaders(result.outputs), runMicros: result.runMicros },
            result.outputs.map(({ bytes }) => bytes),
          );
        } catch (thrown) {
          if (!own.isForgotten) connection.sendError(request, thrown);
        } finally {
          end(pending, own);
          giveBack(memory);
        }
      },
    });
    // The queue has begun it perhaps, but it ends in a later turn.
    pending.push(own);
  }

  #load(connection: Connection, frame: Frame): void {
    const request = readLoadRequest(frame.header);
    const sample = request.sample === undefined ? undefined : readTensors(request.sample, frame.payload);
    this.#enqueue(connection, frame, request.replica, frame.payload.byteLength, async () => {
      connection.send(frameKinds.loaded, frame.request, await this.#replicas.load(request, sample));
    });
    this.#replicas.announce(request);
  }

  #unload(connection: Connection, frame: Frame): void {
    const replica = readReplicaId(frame.header);
    this.#enqueue(connection, frame, replica, 0, async () => {
      await this.#replicas.unload(replica);
      connection.send(frameKinds.unloaded, frame.request, { replica });
    });
  }

  /** Queues work that is done even if the peer goes away meanwhile. */
  #enqueue(connection: Connection, frame: Frame, lane: string, weightBytes: number, work: () => Promise<void>): void {
    this.#queue.add(lane, {
      weightBytes,
      run: async () => {
        try {
          await work();
        } catch (thrown) {
          connection.sendError(frame.request, thrown);
        }
      },
    });
  }
}

function end(pending: Pending, request: PendingRequest): void {
  const index = pending.indexOf(request);
  if (index >= 0) pending.splice(index, 1);
}

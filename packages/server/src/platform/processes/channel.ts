import type { ChildProcess } from 'node:child_process';

/** One subject of a channel, typed by who uses it: what arrives and what leaves. */
export interface Topic<Incoming, Outgoing> {
  /** Sends and forgets; what is sent on a closed channel is dropped. */
  send(message: Outgoing): void;
  /** The answer ends the subscription. */
  on(callback: (message: Incoming) => void): () => void;
}

/**
 * What a process and its child say to each other, by subject. Messages are JSON values. When it closes, the other side
 * is gone: a child then ends, a parent starts another.
 */
export interface Channel {
  topic<Incoming, Outgoing>(name: string): Topic<Incoming, Outgoing>;
  /** Calls back once; at once if it is closed already. */
  onClose(callback: () => void): void;
}

interface Envelope {
  readonly topic: string;
  readonly message: unknown;
}

/** The side of the parent: the IPC channel of a forked child. */
export function channelOfChild(child: ChildProcess): Channel {
  const hub = createHub((envelope) => {
    if (child.connected) child.send(envelope, () => {});
  });
  child.on('message', (envelope) => hub.receive(envelope as Envelope));
  child.once('disconnect', hub.close);
  child.once('exit', hub.close);
  return hub.channel;
}

/** The side of the child; null where nobody forked this process. */
export function channelToParent(): Channel | null {
  const send = process.send?.bind(process);
  if (send === undefined) return null;
  const hub = createHub((envelope) => {
    if (process.connected) send(envelope, undefined, undefined, () => {});
  });
  process.on('message', (envelope) => hub.receive(envelope as Envelope));
  process.once('disconnect', hub.close);
  return hub.channel;
}

/** Both sides in one process, for tests. Messages are copied as IPC would, and arrive in a later turn. */
export function channelPair(): { readonly parent: Channel; readonly child: Channel; readonly close: () => void } {
  const deliver = (to: () => Hub) => (envelope: Envelope) => {
    const copy = JSON.parse(JSON.stringify(envelope)) as Envelope;
    queueMicrotask(() => to().receive(copy));
  };
  const parent: Hub = createHub(deliver(() => child));
  const child: Hub = createHub(deliver(() => parent));
  return {
    parent: parent.channel,
    child: child.channel,
    close: () => {
      parent.close();
      child.close();
    },
  };
}

interface Hub {
  readonly channel: Channel;
  readonly receive: (envelope: Envelope) => void;
  readonly close: () => void;
}

function createHub(post: (envelope: Envelope) => void): Hub {
  const listeners = new Map<string, Set<(message: never) => void>>();
  const closing = new Set<() => void>();
  let isClosed = false;
  const channel: Channel = {
    topic: <Incoming, Outgoing>(name: string): Topic<Incoming, Outgoing> => ({
      send: (message) => {
        if (!isClosed) post({ topic: name, message });
      },
      on: (callback) => {
        const mine = listeners.get(name) ?? new Set();
        listeners.set(name, mine.add(callback));
        return () => mine.delete(callback);
      },
    }),
    onClose: (callback) => {
      if (isClosed) callback();
      else closing.add(callback);
    },
  };
  return {
    channel,
    receive: ({ topic, message }) => {
      for (const callback of listeners.get(topic) ?? []) callback(message as never);
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      for (const callback of closing) callback();
    },
  };
}

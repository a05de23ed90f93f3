import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { keepTrack } from './children.ts';

/** A process that does what it is told, one order after the other. */
export interface OrderedProcess<Order, Report> {
  readonly pid: number;
  ask(order: Order): Promise<Report>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

type Reply<Report> = { readonly report: Report } | { readonly failure: string };

/** Starts a program of this folder that calls `answerOrders`. It ends with this process, however that ends. */
export function startOrderedProcess<Order, Report>(
  program: string,
  options: { readonly execArgv?: readonly string[] } = {},
): OrderedProcess<Order, Report> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: ['--conditions=muster-source', ...(options.execArgv ?? [])],
  });
  const stop = keepTrack(child);
  return {
    pid: child.pid ?? 0,
    ask: (order) => askOnce<Report>(child, program, order),
    stop,
  };
}

async function askOnce<Report>(child: ChildProcess, program: string, order: unknown): Promise<Report> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply<Report>>();
  const onExit = (): void => reject(new Error(`${program} ended before it answered`));
  child.once('message', resolve as (reply: unknown) => void);
  child.once('exit', onExit);
  child.send(order as object);
  try {
    const reply = await promise;
    if ('failure' in reply) throw new Error(`${program}: ${reply.failure}`);
    return reply.report;
  } finally {
    child.off('exit', onExit);
  }
}

/** In the process that was started: answers each order with what `work` makes of it, and ends when the parent does. */
export function answerOrders(work: (order: never) => Promise<unknown>): void {
  process.on('message', (order) => {
    const reply = (message: Reply<unknown>): void => void process.send?.(message);
    work(order as never).then(
      (report) => reply({ report }),
      (thrown: unknown) =>
        reply({ failure: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

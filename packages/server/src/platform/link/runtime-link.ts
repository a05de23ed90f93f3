import { type Socket, connect } from 'node:net';
import {
  type Frame,
  type FrameKind,
  type FrameLimits,
  FrameReader,
  type Hello,
  MusterError,
  type ReplicaEvent,
  encodeFrame,
  frameKinds,
  fromProblem,
  giveBack,
  linkVersion,
  problemSchema,
} from '@muster-ml/protocol';
import { parseLinkAddress } from './address.ts';
import { helloSchema, parseReplicaEvent } from './link-schemas.ts';
import { createOpenQuestions } from './open-questions.ts';

export interface RuntimeLinkOptions {
  /** `unix:/path` or `tcp:host:port` */
  readonly address: string;
  /** Who speaks, as the runner sees it. */
  readonly role: 'gateway' | 'host';
  readonly software: string;
  /** Longest time to connect and to exchange hellos. */
  readonly connectTimeoutMs?: number;
  readonly limits?: FrameLimits;
  /** A replica became ready or ceased to be; `ready` of the link is up to date already. */
  readonly onReplicaEvent?: (event: ReplicaEvent) => void;
  /** Called once when an open link ends, after everything that was asked has been refused with `link_lost`. */
  readonly onClose?: (error: MusterError) => void;
  /** What was written has left: `isCongested` is false again. */
  readonly onDrain?: () => void;
}

/** A question that is under way. */
export interface Asked {
  readonly request: number;
  /** Fails with the runner's own error, or `link_lost`, or `link_violation`. */
  readonly answer: Promise<Frame>;
}

interface Waiting {
  readonly kind: FrameKind;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: MusterError) => void;
}

/** Frames up to this size are joined before they are written: one small copy is cheaper than handing over several buffers. */
const joinedBytes = 16 * 1024;

/** Connects to a runner and exchanges hellos. Throws `link_lost` if it cannot be reached, `link_violation` if it speaks another version. */
export async function openRuntimeLink(options: RuntimeLinkOptions): Promise<RuntimeLink> {
  const target = parseLinkAddress(options.address);
  const socket = connect({ ...target, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
  return await new Promise<RuntimeLink>((resolve, reject) => {
    const link = new RuntimeLink(socket, options, (error) => {
      clearTimeout(timer);
      if (error === undefined) resolve(link);
      else reject(error);
    });
    const timer = setTimeout(
      () => link.close(lost(options.address, `no hello within ${options.connectTimeoutMs ?? 5000} ms`)),
      options.connectTimeoutMs ?? 5000,
    );
  });
}

/**
 * The asking side of the runtime link: the gateway and the runtime host. Answers are matched by number and may overtake
 * each other. It never reconnects: its owner knows whether and when that makes sense.
 */
export class RuntimeLink {
  readonly address: string;
  readonly #socket: Socket;
  readonly #options: RuntimeLinkOptions;
  readonly #reader: FrameReader;
  readonly #waiting = createOpenQuestions<Waiting>();
  readonly #ready = new Set<string>();
  #onOpen: ((error: MusterError | undefined) => void) | undefined;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #runner: Hello = { link: linkVersion, role: 'unknown', software: 'unknown' };
  #congested = false;

  /** Use `openRuntimeLink`. */
  constructor(socket: Socket, options: RuntimeLinkOptions, onOpen: (error: MusterError | undefined) => void) {
    this.address = options.address;
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(options.limits);
    this.#onOpen = onOpen;
    socket.on('connect', () =>
      this.#write(
        encodeFrame(frameKinds.hello, 0, {
          link: linkVersion,
          role: options.role,
          software: options.software,
        } satisfies Hello),
      ),
    );
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => {
      this.#congested = false;
      options.onDrain?.();
    });
    socket.on('error', (error) => this.close(lost(this.address, error.message, error)));
    socket.on('close', () => this.close(lost(this.address, 'the runner closed it')));
  }

  /** What the runner said of itself. */
  get runner(): Hello {
    return this.#runner;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** More was written than the other side takes at the moment; whoever can wait does, until `onDrain`. */
  get isCongested(): boolean {
    return this.#congested;
  }

  /** Replicas that are ready, by the runner's hello and its events. */
  get ready(): ReadonlySet<string> {
    return this.#ready;
  }

  /** Questions without an answer. */
  get openRequests(): number {
    return this.#waiting.size;
  }

  /**
   * Sends a question; the payload's buffers must not change until `onWritten`, which is not called if nothing was sent.
   * `answerKind` is the frame that answers it; an `error` frame rejects with the error that it carries.
   */
  ask(
    kind: FrameKind,
    answerKind: FrameKind,
    header: unknown,
    payload: readonly Uint8Array[] = [],
    onWritten?: () => void,
  ): Asked {
    const request = this.#waiting.nextNumber();
    const answer = new Promise<Frame>((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(lost(this.address, 'it is closed'));
        return;
      }
      const frame = encodeFrame(kind, request, header, payload, this.#options.limits);
      this.#waiting.open(request, { kind: answerKind, resolve, reject });
      this.#write(frame, onWritten);
    });
    return { request, answer };
  }

  /** Takes a question back: the runner drops it if it has not started, and `answer` fails with `request_cancelled` at once. */
  cancel(request: number): void {
    const waiting = this.#waiting.take(request);
    if (waiting === undefined) return;
    this.#write(encodeFrame(frameKinds.cancel, request, undefined));
    waiting.reject(new MusterError('request_cancelled', 'the request to the runner was cancelled'));
  }

  /** Ends the link; what is open fails with the error (`link_lost` if none is given). Safe to repeat. */
  close(error: MusterError = lost(this.address, 'it was closed on this side')): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#ready.clear();
    this.#socket.destroy();
    for (const { reject } of this.#waiting.takeAll()) reject(error);
    const opening = this.#onOpen;
    this.#onOpen = undefined;
    if (wasOpen) this.#options.onClose?.(error);
    else opening?.(error);
  }

  #write(frame: readonly Uint8Array[], onWritten?: () => void): void {
    const [first] = frame;
    if (first === undefined || this.#state === 'closed') return;
    let isFlowing: boolean;
    if (frame.length === 1) {
      isFlowing = this.#socket.write(first, onWritten);
    } else {
      let size = 0;
      for (const bytes of frame) size += bytes.byteLength;
      if (size <= joinedBytes) {
        isFlowing = this.#socket.write(joined(frame, size), onWritten);
      } else {
        isFlowing = true;
        this.#socket.cork();
        const last = frame.at(-1);
        for (const bytes of frame) isFlowing = this.#socket.write(bytes, bytes === last ? onWritten : undefined);
        this.#socket.uncork();
      }
    }
    if (!isFlowing) this.#congested = true;
  }

  #receive(chunk: Uint8Array): void {
    try {
      if (this.#reader.push(chunk, (frame) => this.#handle(frame))) giveBack(chunk);
    } catch (thrown) {
      this.close(
        thrown instanceof MusterError
          ? thrown
          : new MusterError('link_violation', `${this.address} sent what cannot be read`, { cause: thrown }),
      );
    }
  }

  #handle(frame: Frame): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'opening') {
      this.#greet(frame);
      return;
    }
    if (frame.kind === frameKinds.replicaEvent) {
      this.#hear(frame);
      return;
    }
    const waiting = this.#waiting.take(frame.request);
    // An answer to a question that was taken back.
    if (waiting === undefined) return;
    if (frame.kind === waiting.kind) {
      waiting.resolve(frame);
    } else if (frame.kind === frameKinds.error) {
      const problem = problemSchema.safeParse(frame.header);
      waiting.reject(
        problem.success
          ? fromProblem(problem.data)
          : new MusterError('link_violation', `${this.address} sent an error that cannot be read`),
      );
    } else {
      waiting.reject(
        new MusterError(
          'link_violation',
          `${this.address} answered with a frame of kind ${frame.kind}, not ${waiting.kind}`,
        ),
      );
    }
  }

  #greet(frame: Frame): void {
    const hello = helloSchema.safeParse(frame.header);
    if (frame.kind !== frameKinds.hello || !hello.success)
      throw new MusterError('link_violation', `${this.address} did not begin with a hello`);
    if (hello.data.link !== linkVersion) {
      const { role, software, link } = hello.data;
      throw new MusterError(
        'link_violation',
        `the ${role} runner (${software}) speaks version ${link} of the runtime link, this Muster version ${linkVersion}`,
      );
    }
    this.#runner = hello.data;
    for (const replica of hello.data.ready ?? []) this.#ready.add(replica);
    this.#state = 'open';
    const opening = this.#onOpen;
    this.#onOpen = undefined;
    opening?.(undefined);
  }

  #hear(frame: Frame): void {
    const event = parseReplicaEvent(frame.header);
    if (event === undefined)
      throw new MusterError('link_violation', `${this.address} sent an event that cannot be read`);
    if (event.state === 'ready') this.#ready.add(event.replica);
    else this.#ready.delete(event.replica);
    this.#options.onReplicaEvent?.(event);
  }
}

function joined(frame: readonly Uint8Array[], size: number): Uint8Array {
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for (const bytes of frame) {
    whole.set(bytes, at);
    at += bytes.byteLength;
  }
  return whole;
}

function lost(address: string, why: string, cause?: unknown): MusterError {
  return new MusterError('link_lost', `the link to ${address} was lost: ${why}`, cause === undefined ? {} : { cause });
}

import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type Frame, type FrameKind, FrameReader, encodeFrame, frameKinds, linkVersion } from '@muster-ml/protocol';

/** A gateway as a runner sees it. */
export class Link {
  readonly #socket: Socket;
  readonly #answers = new Map<number, (frame: Frame) => void>();
  /** Headers of what the runner said unasked. */
  readonly events: unknown[] = [];
  #request = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => reader.push(chunk, (frame) => this.#take(frame)));
  }

  /** Connects and greets; the runner's greeting comes with it. */
  static async open(path: string): Promise<{ readonly link: Link; readonly hello: unknown }> {
    const socket = connect(path);
    await once(socket, 'connect');
    const link = new Link(socket);
    const greeting = new Promise<Frame>((resolve) => link.#answers.set(0, resolve));
    link.#write(frameKinds.hello, 0, { link: linkVersion, role: 'gateway', software: 'test' });
    return { link, hello: (await greeting).header };
  }

  /** Sends a request; resolves to the frame that answers it. */
  async ask(kind: FrameKind, header: unknown, payload: readonly Uint8Array[] = []): Promise<Frame> {
    this.#request += 1;
    const request = this.#request;
    const answer = new Promise<Frame>((resolve) => this.#answers.set(request, resolve));
    this.#write(kind, request, header, payload);
    return await answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(frame: Frame): void {
    if (frame.kind === frameKinds.replicaEvent) this.events.push(frame.header);
    else this.#answers.get(frame.request)?.(frame);
  }

  #write(kind: FrameKind, request: number, header: unknown, payload: readonly Uint8Array[] = []): void {
    for (const bytes of encodeFrame(kind, request, header, payload)) this.#socket.write(bytes);
  }
}

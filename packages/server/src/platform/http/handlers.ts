import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { RouteName, Routes } from '@muster-ml/protocol';
import type { z } from 'zod';

type Output<S> = S extends z.ZodType ? z.output<S> : undefined;
type AnswerSchema<N extends RouteName> = Routes[N]['answer'] extends { readonly schema: infer S } ? S : undefined;

/** What a handler answers: the body that the route's schema describes, a stream for raw bodies, nothing for 204. */
export type RouteAnswer<N extends RouteName> =
  AnswerSchema<N> extends z.ZodType
    ? z.input<AnswerSchema<N>>
    : AnswerSchema<N> extends 'octet-stream'
      ? RawAnswer
      : AnswerSchema<N> extends 'event-stream'
        ? EventAnswer
        : undefined;

/** Bytes as they are; `etag` is their digest where they have one. */
export interface RawAnswer {
  readonly stream: Readable;
  /** Absent where it is not known before the end; then a stream that fails breaks the connection off. */
  readonly sizeBytes?: number;
  readonly etag?: string;
  readonly fileName?: string;
}

/** Server-sent events: each item is one `data:` line of JSON. Ends with the iterable; `signal` aborts it when the caller leaves. */
export interface EventAnswer {
  readonly events: (signal: AbortSignal) => AsyncIterable<unknown>;
}

/** One validated call of a route. `C` is who calls, as identity knows it. */
export interface RouteCall<N extends RouteName, C> {
  readonly caller: C;
  readonly params: Routes[N] extends { readonly params: infer P } ? Output<P> : undefined;
  readonly query: Routes[N] extends { readonly query: infer Q } ? Output<Q> : undefined;
  readonly body: Routes[N] extends { readonly body: infer B }
    ? B extends 'octet-stream'
      ? IncomingMessage
      : Output<B>
    : undefined;
  /** Revision in `If-Match`, for routes that are conditional. */
  readonly ifMatch: number | undefined;
  /** A request header, for the few routes that read one. */
  readonly header: (name: string) => string | undefined;
}

/** A room's handlers: parse is done, they call a use case and answer its result. */
export type RouteHandlers<N extends RouteName, C> = {
  readonly [K in N]: (call: RouteCall<K, C>) => Promise<RouteAnswer<K>>;
};

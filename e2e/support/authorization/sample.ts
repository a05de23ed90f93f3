import type { Action, RouteName } from '@muster-ml/protocol';
import type { Holder, Target } from './oracle.ts';

/** Names and ids of what requests are about. */
export interface Names {
  readonly team: string;
  readonly model: string;
  readonly endpoint: string;
  /** An operation about the endpoint. */
  readonly operation: string;
  readonly score: string;
  readonly upload: string;
  readonly secret: string;
  /** A service account of the team, by name. */
  readonly service: string;
  /** A token of it. */
  readonly serviceToken: string;
  /** Number of an audit entry of the team. */
  readonly entry: string;
  readonly useCase: string;
  /** Of another endpoint of the team. */
  readonly submission: string;
  /** A waiver of the endpoint. */
  readonly waiver: string;
}

/** Who is who behind the names: what decides about `own` and `notSelf`. */
export interface Owners {
  readonly admin: string;
  readonly service: string;
  /** Who started the score and the upload. */
  readonly scientist: string;
  /** Who is a viewer of the team already, and auditor of the installation. */
  readonly viewer: string;
  readonly auditor: string;
}

export interface Answer {
  readonly status: number;
  readonly code?: string;
}

/** One question that the server has to ask; the first that is not answered with yes decides. */
export interface Step {
  readonly action: Action;
  /** Absent: a list, which shows what may be seen. */
  readonly target?: Target;
  /** The answer where the target is hidden. */
  readonly hidden?: Answer;
}

export interface RouteRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request of one route that changes as little as it can, and what it takes to be answered. */
export interface Sample {
  readonly request: (names: Names, owners: Owners, holder: Holder) => RouteRequest;
  readonly steps: (names: Names, owners: Owners, holder: Holder) => readonly Step[];
  /** Answers to who may, where the request is made so that it cannot be carried out; else the route's own. */
  readonly allowed?: readonly Answer[];
  /** What of the names is hidden from others, so that it must look like one that does not exist. */
  readonly hides?: keyof Names;
  /** Makes what the request destroys, and is called for who may do so only. */
  readonly prepare?: (maker: Maker, holder: Holder) => Promise<Partial<Names>>;
  /** Of a list: the key of an item, and what may be in it. */
  readonly list?: ListSample;
}

export interface ListSample {
  readonly keyOf: (item: never) => string;
  /** Everything there is. */
  readonly all: (known: Known) => readonly { readonly key: string; readonly target: Target }[];
}

/** Everything that was made, for lists. */
export interface Known {
  readonly teams: readonly string[];
  readonly models: readonly { readonly name: string; readonly team: string }[];
  readonly endpoints: readonly { readonly name: string; readonly team: string }[];
  readonly secrets: readonly { readonly name: string; readonly team: string }[];
  readonly actors: readonly { readonly id: string; readonly team: string | undefined }[];
  readonly useCases: readonly { readonly name: string; readonly team: string }[];
  readonly submissions: readonly { readonly id: string; readonly team: string; readonly endpoint: string }[];
}

/** Makes things to destroy. */
export interface Maker {
  endpoint(): Promise<string>;
  secret(): Promise<string>;
  /** Started by a holder, or by the admin. */
  score(by: Holder | undefined): Promise<string>;
  upload(by: Holder): Promise<string>;
}

/** A table of samples for some routes. */
export type Samples<N extends RouteName> = Readonly<Record<N, readonly Sample[]>>;

export const ofInstallation: Target = { kind: 'installation' };
/** What has no not-found of its own, and what is made anew, is refused as not allowed. */
export const refused: Answer = { status: 403, code: 'not_allowed' };

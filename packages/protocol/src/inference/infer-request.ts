import type { Datatype } from './tensor.ts';

/** A parameter of a request, an input or an output. Integers beyond 2^53 come as bigint. */
export type InferParameter = string | boolean | number | bigint;

/** Parameters by name; `null` ones and objects (which some clients send as `headers`) are left out. */
export type InferParameters = Readonly<Record<string, InferParameter>>;

/** The parameters of whoever sent none: one object for all, so that none is made on the hot path. */
export const noParameters: InferParameters = Object.freeze({});

/** One input as the caller sent it, in whatever form: checked in itself, not yet against a model. */
export interface InferInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly parameters: InferParameters;
}

/** One output that the caller asked for. */
export interface RequestedOutput {
  readonly name: string;
  readonly parameters: InferParameters;
}

/** An inference request of the Open Inference Protocol. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly parameters: InferParameters;
  readonly inputs: readonly InferInput[];
  /** In the order to answer; empty: all. */
  readonly outputs: readonly RequestedOutput[];
}

/** An input as the JSON part describes it. Its data follow in a binary section where `binarySize` is given. */
export interface DescribedInput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly parameters: InferParameters;
  /** Read from `data`. */
  readonly bytes: Uint8Array | undefined;
  /** `binary_data_size` */
  readonly binarySize: number | undefined;
}

/** The JSON part of a request, before its binary sections are cut out of the body. */
export interface InferHeader {
  readonly id: string | undefined;
  readonly parameters: InferParameters;
  readonly inputs: readonly DescribedInput[];
  readonly outputs: readonly RequestedOutput[];
}

import { expect } from 'vitest';
import type { Answer } from './echo-gateway.ts';

/** A body of JSON and sections, with the header that says where it is cut. */
export function binaryBody(
  json: unknown,
  ...sections: readonly Uint8Array[]
): { headers: Record<string, string>; body: Uint8Array } {
  const head = Buffer.from(JSON.stringify(json));
  return {
    headers: { 'Inference-Header-Content-Length': String(head.length) },
    body: Buffer.concat([head, ...sections]),
  };
}

/** An answer of the protocol to an inference request. */
export interface OipResponse {
  readonly id?: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: number[];
    readonly data?: unknown[];
    readonly parameters?: { binary_data_size: number };
  }[];
}

/** Reads a 200 answer by its headers alone, as a client does. */
export function responseOf(answer: Answer): { readonly json: OipResponse; readonly sections: readonly Buffer[] } {
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body.toString()}`);
  const length = answer.headers['inference-header-content-length'];
  expect(answer.headers['content-type']).toBe(length === undefined ? 'application/json' : 'application/octet-stream');
  let at = length === undefined ? answer.body.length : Number(length);
  const json = JSON.parse(answer.body.subarray(0, at).toString()) as OipResponse;
  const sections: Buffer[] = [];
  for (const output of json.outputs) {
    const size = output.parameters?.binary_data_size;
    expect(size === undefined).toBe(output.data !== undefined);
    if (size === undefined) continue;
    sections.push(answer.body.subarray(at, at + size));
    at += size;
  }
  expect(at).toBe(answer.body.length);
  return { json, sections };
}

/** Checks that an answer is an error as clients of the protocol read it. */
export function expectError(answer: Answer, status: number, text?: string): void {
  expect({
    status: answer.status,
    type: answer.headers['content-type'],
    coding: answer.headers['content-encoding'],
  }).toEqual({ status, type: 'application/json', coding: undefined });
  const body = answer.json() as Record<string, unknown>;
  expect(Object.keys(body)).toEqual(['error']);
  expect(body['error']).toBeTypeOf('string');
  if (text !== undefined) expect(body['error']).toContain(text);
}

/** Columns of a matrix, row by row. */
export type Rows = readonly (readonly number[])[];

/** The JSON of an inference request (Open Inference Protocol v2) with one FP32 matrix. */
export function inferBody(input: string, rows: Rows): string {
  return JSON.stringify({
    inputs: [{ name: input, datatype: 'FP32', shape: [rows.length, rows[0]?.length ?? 0], data: rows.flat() }],
  });
}

/** A whole HTTP/1.1 request of the endpoint's infer address, head and body. */
export function inferRequest(endpoint: string, token: string, body: string): Uint8Array {
  return httpRequest(
    `/v2/models/${endpoint}/infer`,
    ['content-type: application/json', `authorization: Bearer ${token}`],
    Buffer.from(body),
  );
}

/** The same with the tensor's bytes behind the JSON, as the binary extension has it. */
export function binaryInferRequest(
  endpoint: string,
  token: string,
  input: string,
  shape: readonly number[],
  values: Float32Array,
): Uint8Array {
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const head = Buffer.from(
    JSON.stringify({
      inputs: [{ name: input, datatype: 'FP32', shape, parameters: { binary_data_size: data.byteLength } }],
      parameters: { binary_data_output: true },
    }),
  );
  const headers = [
    'content-type: application/octet-stream',
    `inference-header-content-length: ${head.byteLength}`,
    `authorization: Bearer ${token}`,
  ];
  return httpRequest(`/v2/models/${endpoint}/infer`, headers, Buffer.concat([head, data]));
}

function httpRequest(path: string, headers: readonly string[], body: Buffer): Uint8Array {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...headers,
    `content-length: ${body.byteLength}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
}

import { describe, expect, test } from 'vitest';
import { explainLoadFailure, shortenRuntimeText } from './load-failure.ts';
import { onnxModel } from '../test-support/onnx-model.ts';
import { readOutline } from './read-outline.ts';
import { memorySource } from './wire.ts';

const outline = readOutline(
  memorySource(onnxModel({ inputs: [], outputs: [], nodes: [{ op: 'Foo', inputs: [], outputs: [] }] })),
);

describe('what the runtime says', () => {
  test.each([
    [
      'Load model from /home/ann/m.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model.cc:187 onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&, const onnxruntime::ModelOptions&) ModelProto does not have a graph.\n',
      'ModelProto does not have a graph.',
    ],
    ['Load model from /data/a b/c.onnx failed:Protobuf parsing failed.', 'Protobuf parsing failed.'],
    [
      "Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=9 must be within the inclusive range [-3,2]",
      "Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=9 must be within the inclusive range [-3,2]",
    ],
    [
      'External data path validation failed for initializer: w. Error: tensorprotoutils.cc:434 ValidateExternalDataPathFromDir Absolute path not allowed',
      'External data path validation failed for initializer: w. Error: Absolute path not allowed',
    ],
    [
      "while running Pad node. Name:'/encoder/layer.0/Pad' Status",
      "while running Pad node. Name:'/encoder/layer.0/Pad' Status",
    ],
    ['cannot open /var/lib/muster/objects/ab/cdef: no', 'cannot open …: no'],
  ])('is shortened without paths and signatures', (text, short) => {
    expect(shortenRuntimeText(text)).toBe(short);
  });

  test('is never longer than a few lines', () => {
    expect(shortenRuntimeText('x'.repeat(100_000)).length).toBeLessThan(600);
  });

  test.each([
    ['Error No Op registered for Foo with domain_version of 17', 'operator Foo is not in operator set 17 of ai.onnx'],
    [
      "Could not find an implementation for Identity(21) node with name ''",
      'the runtime has operator Identity (operator set 21), but not for the element types that it is used with',
    ],
    [
      'Unsupported model IR version: 99, max supported IR version: 13',
      'its format has version 99; the runtime reads versions up to 13',
    ],
  ])('becomes an error that names what is missing', (text, message) => {
    expect(explainLoadFailure(new Error(text), outline)).toMatchObject({ code: 'unsupported_model', message });
  });

  test('is an invalid file where nothing else fits', () => {
    expect(explainLoadFailure(new Error('Protobuf parsing failed.'), outline)).toMatchObject({
      code: 'invalid_model_file',
    });
  });
});

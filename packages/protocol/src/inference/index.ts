export { type BoundInputs, bindInputs, checkOutputs, tooManyRows } from './bind-inputs.ts';
export { byteElements, countByteElements, packByteElements } from './byte-elements.ts';
export { type TensorDifference, compareTensors, differenceText } from './compare-tensors.ts';
export { type InferOptions, inferOptions, requestedOutputNames, wantsBinary } from './infer-options.ts';
export {
  type InferInput,
  type InferParameter,
  type InferParameters,
  type InferRequest,
  type RequestedOutput,
  noParameters,
} from './infer-request.ts';
export { rawInferRequest, readHeaderLength, readInferBody } from './read-infer-body.ts';
export * from './rows/index.ts';
export { quoteName } from './shape.ts';
export { tensorElementTexts, tensorNumbers, tensorTexts } from './tensor-values.ts';
export {
  type Datatype,
  type Signature,
  type Tensor,
  type TensorSpec,
  datatypeSizes,
  isBatched,
  isDatatype,
  missingText,
} from './tensor.ts';
export { type InferResponse, type WrittenResponse, writeInferResponse } from './write-infer-response.ts';

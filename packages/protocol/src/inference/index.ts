export { type Datatype, type Signature, type Tensor, type TensorSpec, datatypeSizes, isBatched, isDatatype } from './tensor.ts';

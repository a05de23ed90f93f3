export {
  type OperationEnd,
  type OperationHandle,
  type Operations,
  createOperations,
  operationNotFound,
} from './operations.ts';

export {
  type NewOperation,
  type OperationEnd,
  type OperationHandle,
  type Operations,
  type OwnedOperation,
  createOperations,
} from './operations.ts';

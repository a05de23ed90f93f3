export { type OperationEnd, type OperationHandle, type Operations, createOperations } from './operations.ts';

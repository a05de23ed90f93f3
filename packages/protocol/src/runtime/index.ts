export { type FrameLimits, FrameReader, defaultFrameLimits, encodeFrame } from './frames.ts';
export * from './messages.ts';
export * from './sample.ts';
export { readTensors, tensorHeaders } from './tensor-frames.ts';

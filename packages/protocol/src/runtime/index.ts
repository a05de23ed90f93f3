export { type FrameLimits, FrameReader, type ReadFrame, defaultFrameLimits, encodeFrame } from './frames.ts';
export { giveBack } from './give-back.ts';
export * from './messages.ts';
export * from './sample.ts';
export { readTensors, tensorHeaders } from './tensor-frames.ts';

const single = new Float32Array(1);
const word = new Uint32Array(single.buffer);

/** The bits of the bfloat16 nearest to a number, ties to even, as one rounding of the double. */
export function roundToBfloat16(value: number): number {
  single[0] = value;
  const bits = word[0] ?? 0;
  if (Number.isNaN(value)) return 0x7fc0;
  const dropped = bits & 0xffff;
  let upper = bits >>> 16;
  if (dropped > 0x8000) upper++;
  else if (dropped === 0x8000) {
    // Halfway as a float32; where that was rounded itself, the double tells on which side it was.
    const excess = Math.abs(value) - Math.abs(single[0] ?? 0);
    if (excess > 0 || (excess === 0 && (upper & 1) === 1)) upper++;
  }
  return upper;
}

/** The number that the bits of a bfloat16 stand for: they are the upper half of a float32's. */
export function fromBfloat16(bits: number): number {
  word[0] = bits << 16;
  return single[0] ?? 0;
}

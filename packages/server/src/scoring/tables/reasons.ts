import { type Column, isFloat } from '@muster-ml/protocol';

/** Why a value does not fit the column of a model; it never says the value. */
export function misfit({ datatype, shape }: Column): string {
  if (shape.length > 0) return `is no list of the shape [${shape.join(',')}] with values of ${datatype}`;
  if (datatype === 'BYTES') return 'is not text';
  if (datatype === 'BOOL') return 'is not true or false';
  return isFloat(datatype)
    ? `is not a number in the range of ${datatype}`
    : `is not an integer in the range of ${datatype}`;
}

export const missingValue = 'is missing';

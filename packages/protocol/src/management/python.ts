import { z } from 'zod';

/**
 * How a file or folder is read by the Python runtime. A folder travels as one tar file.
 *
 * `pickle` covers joblib and cloudpickle, `folder` is a folder with a `model.py` that has `load(path)` and `predict(model, data)`.
 */
export const pythonFormatSchema = z.enum([
  'pickle',
  'joblib',
  'skops',
  'xgboost',
  'lightgbm',
  'catboost',
  'mlflow',
  'huggingface',
  'folder',
]);

export type PythonFormat = z.infer<typeof pythonFormatSchema>;

/** `3.11`: minor versions of Python are what wheels and pickles are made for. */
export const pythonVersionSchema = z.string().regex(/^3\.\d{1,2}$/, 'must look like 3.11');

/** One line of a requirements file (PEP 508); options such as `--index-url` belong into the configuration. */
export const requirementSchema = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[A-Za-z0-9][^\n\r]*$/, 'must be one requirement, such as scikit-learn==1.5.2');

/** What an environment is made of. With exact versions it is made the same again, on any machine like this one. */
export const environmentSpecSchema = z.strictObject({
  python: pythonVersionSchema,
  /** Sorted; exact versions (`numpy==2.4.6`) in the spec that travels with a version. */
  requirements: z.array(requirementSchema).max(2000),
});

export type EnvironmentSpec = z.infer<typeof environmentSpecSchema>;

/** One thing that a model file would do or hold, as the scanner names it. */
export const dangerSchema = z.object({
  severity: z.enum(['dangerous', 'suspicious']),
  what: z.string(),
});

/** What is known of a file that only Python can run. */
export const pythonFactsSchema = z.object({
  format: pythonFormatSchema,
  sizeBytes: z.number().int(),
  /** The library that made it, with its version where the file tells: `scikit-learn 1.5.2`. */
  producer: z.string(),
  /** `sklearn.pipeline.Pipeline`; empty where it was not found out. */
  modelClass: z.string(),
  /** Top-level modules that it imports. */
  modules: z.array(z.string()),
  dangers: z.array(dangerSchema),
  /** Where it runs: exact versions of everything. */
  environment: environmentSpecSchema,
  /** The model is given a data frame, or a matrix with named columns. */
  isTable: z.boolean(),
  /** What was assumed because the file does not tell, in words. */
  adaptations: z.array(z.string()),
});

export type PythonFacts = z.infer<typeof pythonFactsSchema>;

/** What the flags of a model say that is handed over; the same wherever one is. */
export const sampleHelp =
  'a few rows as CSV, JSON with inputs and outputs, or a document a line (.jsonl): names the features, warms replicas up, and proves the answers';
export const requirementsHelp =
  'what a Python model needs: a requirements.txt, or a list with commas (default: what the file tells)';
export const pythonHelp = 'version of Python that the model was made with, such as 3.11';

import { codes } from './kind.ts';

/** Codes of what is copied from an MLflow server. */
export const mlflowCodes = codes({
  mlflow_unreachable: {
    kind: 'unavailable',
    title: 'The MLflow server cannot be reached',
    remedy: 'Check its address, and that it runs.',
  },
  mlflow_refused: {
    kind: 'failed_precondition',
    title: 'The MLflow server refuses',
    remedy: 'See the detail for what it answered.',
  },
  mlflow_not_found: {
    kind: 'not_found',
    title: 'The MLflow server has no such model',
    remedy: 'Check the name, the version or the alias in MLflow.',
  },
  mlflow_artifacts_unreachable: {
    kind: 'failed_precondition',
    title: 'The MLflow server does not serve the files of the model',
    remedy: 'Start it with --serve-artifacts, or download the model with MLflow and hand over the folder.',
  },
  follow_not_found: {
    kind: 'not_found',
    title: 'The endpoint follows no alias',
    remedy: 'muster deploy models:/MODEL@ALIAS --mlflow URL --follow makes it follow one.',
  },
  mlflow_unknown_server: {
    kind: 'failed_precondition',
    title: 'This installation does not know the MLflow server',
    remedy: 'Add it to mlflow.servers in the configuration, with the file that holds its credentials.',
  },
});

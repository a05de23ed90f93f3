import { readFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { startOrderedProcess } from '../process-orders.ts';
import { quantileOf } from '../latency-histogram.ts';
import { endChildrenWithThisProcess } from '../children.ts';
import { makeInstallationFolder, startInstallation } from '../installation.ts';
import { deployVersion, registerModel } from '../deploy-model.ts';
import { binaryInferRequest, inferBody, inferRequest } from '../infer-request.ts';
import { cpuSecondsOf } from '../process-usage.ts';
endChildrenWithThisProcess();
const [kind = 'small', clients = '32', prof = 'yes'] = process.argv.slice(2);
mkdirSync('/tmp/prof', { recursive: true });
const folder = await makeInstallationFolder();
const muster = await startInstallation(folder, { execArgv: prof === 'yes' ? ['--cpu-prof', '--cpu-prof-dir=/tmp/prof', '--cpu-prof-interval=200'] : [] });
const gen = startOrderedProcess<any, any>('load-process.ts');
try {
  let requests: Uint8Array[];
  if (kind === 'small') {
    await deployVersion(muster.client, 'small', 'small', await registerModel(muster.client, 'small', await readFile('/work/main/examples/breast-cancer/model-v2.onnx')));
    const rows = (await readFile('/work/main/examples/breast-cancer/heldout.csv', 'utf8')).trim().split('\n').slice(1).map((l) => l.split(',').map(Number));
    requests = rows.map((r) => inferRequest('small', muster.token, inferBody('input', [r])));
  } else {
    await deployVersion(muster.client, 'scans', 'scans', await registerModel(muster.client, 'scans', await readFile('/work/main/e2e/stories/scan-triage/text-orientation.onnx')), { ownRunner: true, batching: { maxRows: 4, waitMs: 0 } });
    requests = [binaryInferRequest('scans', muster.token, 'x', [4, 3, 48, 192], new Float32Array(4 * 3 * 48 * 192).fill(0.5))];
  }
  const [g = 0] = await muster.processesOf('main.ts gateway');
  const runners = await muster.processesOf('runtime-onnx');
  for (const c of clients.split(',').map(Number)) {
    const b = [await cpuSecondsOf(g), ...(await Promise.all(runners.map(cpuSecondsOf)))];
    const r = await gen.ask({ port: muster.port, connections: c, requests, warmUpMs: 0, durationMs: 8000, marker: '"outputs"' });
    const a = [await cpuSecondsOf(g), ...(await Promise.all(runners.map(cpuSecondsOf)))];
    console.log(c, Math.round(r.answers / r.seconds), '/s p50', quantileOf([r.latencies], 0.5).toFixed(2), 'p99', quantileOf([r.latencies], 0.99).toFixed(2), 'fail', r.failures, r.firstFailure?.slice(0, 300), 'cpu us', a.map((x, i) => Math.round((x - (b[i] ?? 0)) / r.answers * 1e6)).join(' '));
  }
  console.log('gateway pid', g);
} finally {
  await muster.stop(); await gen.stop(); await folder.remove();
}

// The thread behind parent-watch.ts: started as a worker, never imported.
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { graceMs } = workerData as { readonly graceMs: number };

function watchStdin(): void {
  let stdin: Socket;
  try {
    stdin = new Socket({ fd: 0, readable: true, writable: false });
  } catch {
    return; // neither a pipe nor a socket
  }
  stdin.on('error', () => stdin.destroy());
  stdin.on('close', () => {
    parentPort?.postMessage('gone');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs);
  });
  stdin.resume();
}

watchStdin();

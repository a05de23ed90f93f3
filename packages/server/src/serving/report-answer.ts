import type { IncomingMessage } from 'node:http';
import { type UsageAnswer, usageAnswerSchema } from './usage-report.ts';

/** What control said to a report. */
export interface ReportAnswer {
  /** 0: nothing. */
  readonly status: number;
  /** What became of the usage in it, where control has kept it. */
  readonly usage: UsageAnswer | undefined;
}

/** Nothing came back. */
export const noAnswer: ReportAnswer = { status: 0, usage: undefined };

const maxBytes = 16 * 1024 * 1024;

/** Reads control's answer to a report; one that breaks off says only its status. */
export function readReportAnswer(response: IncomingMessage): Promise<ReportAnswer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    response.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) response.destroy();
      else parts.push(part);
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      const status = response.statusCode ?? 0;
      const isWhole = response.complete && status === 200;
      resolve({ status, usage: isWhole ? readUsage(Buffer.concat(parts).toString('utf8')) : undefined });
    });
  });
}

function readUsage(text: string): UsageAnswer | undefined {
  try {
    const { usage } = JSON.parse(text) as { readonly usage?: unknown };
    const parsed = usageAnswerSchema.safeParse(usage);
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

import type { IncomingMessage } from 'node:http';
import type { Clock } from '../platform/clock/index.ts';
import { type ControlAddress, parseControlAddress } from './control-address.ts';
import { createLineReader } from './line-reader.ts';
import { parseTable } from './read-table.ts';
import { type ReportAnswer, noAnswer, readReportAnswer } from './report-answer.ts';
import type { GatewayReport, RoutingTable } from './routing-table.ts';
import type { ServingLog } from './serving-log.ts';
import { type TableFile, createTableFile } from './table-file.ts';
import type { UsageAnswer } from './usage-report.ts';

export interface RoutingFollowerOptions {
  /** Where control listens: `unix:/path` or `http(s)://host:port`. */
  readonly control: string;
  /** The internal token that control knows. */
  readonly token: string;
  /** Names this gateway among others. */
  readonly gateway: string;
  /** The only installation whose tables are taken; undefined: that of the first table, from disk or from control. */
  readonly installation?: string | undefined;
  /** Keeps the last table. */
  readonly file: string;
  readonly maxTableBytes?: number;
  /** How long tables are decided by without a word of control. */
  readonly staleAuthLimitMs: number;
  readonly clock: Clock;
  readonly log: ServingLog;
  readonly onTable: (table: RoutingTable) => void;
  /** What is ready, draining and new, for a report. Incidents are told once: they are kept until a report of them arrives. */
  readonly report: () => ReportedFacts;
  /** The report of these did not arrive: its counts have to be told again. */
  readonly giveBack?: (facts: ReportedFacts) => void;
  /** Control has kept the usage of a report. */
  readonly onUsageKept?: (answer: UsageAnswer) => void;
  /** Control cannot read a report: what was in it is not to come again. */
  readonly onUnreadable?: () => void;
}

/** What a report says beside who reports. */
export type ReportedFacts = Omit<GatewayReport, 'gateway' | 'startedAt' | 'applied'>;

const firstDelayMs = 100;
const longestDelayMs = 2000;
const reportEveryMs = 1000;
/** Changes within this time share a report. */
const reportAfterMs = 10;
/** Control sends an empty line at least each five seconds; a stream silent for longer than this is dead. */
const silenceMs = 15_000;
const reportTimeoutMs = 5000;
const touchEveryMs = 60_000;
/** Incidents that are kept while control cannot be told. */
const keptIncidents = 1000;

/**
 * Follows control's routing table: a stream of whole snapshots, kept on disk, so that a gateway that starts or goes on
 * without control decides by the last one. Reports what was applied, at once when it matters and at least each second.
 */
export class RoutingFollower {
  readonly #options: RoutingFollowerOptions;
  readonly #control: ControlAddress;
  readonly #file: TableFile;
  readonly #maxTableBytes: number;
  readonly #startedAt: number;
  #installation: string | undefined;
  #applied = 0;
  #contactAt = 0;
  #touchedAt = 0;
  #isConnected = false;
  #isStopped = false;
  #delayMs = firstDelayMs;
  #abort: (() => void) | undefined;
  #reportDue: (() => void) | undefined;
  #reporting = false;
  #reported: Promise<void> = Promise.resolve();
  #reportAgain = false;
  #unsent: GatewayReport['incidents'] = [];
  #timers: (() => void)[] = [];

  constructor(options: RoutingFollowerOptions) {
    this.#options = options;
    this.#control = parseControlAddress(options.control);
    this.#maxTableBytes = options.maxTableBytes ?? 256 * 1024 * 1024;
    this.#file = createTableFile(options.file, this.#maxTableBytes);
    this.#installation = options.installation;
    this.#startedAt = options.clock.now();
  }

  /** Whether the stream of control is open. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  get appliedVersion(): number {
    return this.#applied;
  }

  /** Milliseconds since the epoch when control was last heard of; 0: never. */
  get contactAt(): number {
    return this.#contactAt;
  }

  /** Whether the table is too old to decide by. */
  isStale(): boolean {
    return (
      !this.#isConnected &&
      this.#contactAt > 0 &&
      this.#options.clock.now() - this.#contactAt > this.#options.staleAuthLimitMs
    );
  }

  /** Applies the table on disk, if there is one, then follows control for as long as it runs. */
  async start(): Promise<void> {
    const kept = await this.#file.load();
    if (kept !== undefined && this.#accepts(kept.table)) {
      this.#contactAt = kept.contactAt;
      this.#apply(kept.table);
    }
    void this.#follow();
    this.#tick();
  }

  /** Something that reports tell has changed. */
  changed(): void {
    if (this.#isStopped || this.#reportDue !== undefined) return;
    this.#reportDue = this.#options.clock.after(reportAfterMs, () => {
      this.#reportDue = undefined;
      void this.#report();
    });
  }

  /** Tells control what it was not told yet: the last thing before a gateway ends. Where control does not answer, it is lost. */
  async flush(): Promise<void> {
    await this.#reported;
    await this.#report();
  }

  /** Ends when the last table is on disk. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#abort?.();
    this.#reportDue?.();
    for (const cancel of this.#timers) cancel();
    await this.#file.settled();
  }

  #tick(): void {
    if (this.#isStopped) return;
    void this.#report();
    this.#timers = [this.#options.clock.after(reportEveryMs, () => this.#tick())];
  }

  async #follow(): Promise<void> {
    const { clock, log, control } = this.#options;
    while (!this.#isStopped) {
      const why = await this.#stream();
      if (this.#isStopped) return;
      if (this.#isConnected) log.warn({ control, why }, 'control is gone; predictions go on by the last routing table');
      else log.debug({ control, why }, 'control is not reachable');
      this.#isConnected = false;
      const delayMs = this.#delayMs;
      this.#delayMs = Math.min(longestDelayMs, delayMs * 2);
      await new Promise<void>((resolve) => {
        const cancel = clock.after(delayMs, resolve);
        this.#abort = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  /** One connection to control, until it ends; says why it did. */
  #stream(): Promise<string> {
    const { token, gateway } = this.#options;
    return new Promise<string>((resolve) => {
      const request = this.#control.request({
        method: 'GET',
        path: '/internal/v1/routing',
        headers: { authorization: `Bearer ${token}`, 'x-muster-gateway': gateway },
      });
      const end = (why: string): void => {
        clearTimeout(silence);
        request.destroy();
        resolve(why);
      };
      const silence = setTimeout(() => end('it says nothing'), silenceMs);
      this.#abort = () => end('the gateway stops');
      request.on('error', (error) => end(error.message));
      request.on('response', (response) => {
        if (response.statusCode !== 200) {
          this.#options.log.error({ status: response.statusCode }, 'control refuses to send its routing table');
          end(`it answered ${response.statusCode}`);
          return;
        }
        this.#listen(response, () => silence.refresh(), end);
      });
      request.end();
    });
  }

  #listen(response: IncomingMessage, onBytes: () => void, end: (why: string) => void): void {
    this.#isConnected = true;
    this.#delayMs = firstDelayMs;
    this.#heard();
    this.#options.log.info({ control: this.#options.control }, 'control linked');
    void this.#report();
    const read = createLineReader(this.#maxTableBytes, (line) => this.#receive(line));
    response.on('data', (chunk: Buffer) => {
      onBytes();
      this.#heard();
      if (!read(chunk)) end('a routing table is larger than allowed');
    });
    response.on('error', (error) => end(error.message));
    response.on('close', () => end('control closed the stream'));
  }

  #receive(line: string): void {
    if (line === '') return;
    const table = parseTable(line);
    if (table === undefined) {
      this.#options.log.error({ bytes: line.length }, 'control sent a routing table that cannot be read');
      return;
    }
    if (!this.#accepts(table)) return;
    this.#apply(table);
    void this.#report();
    this.#file
      .save(line)
      .catch((error: unknown) =>
        this.#options.log.error({ problem: String(error) }, 'the routing table could not be kept on disk'),
      );
  }

  #accepts(table: RoutingTable): boolean {
    if (this.#installation !== undefined && table.installation !== this.#installation) {
      this.#options.log.error(
        { mine: this.#installation, theirs: table.installation },
        "a routing table of another installation was refused; empty the gateway's folder if it is to serve that one",
      );
      return false;
    }
    this.#installation = table.installation;
    return true;
  }

  #apply(table: RoutingTable): void {
    this.#options.onTable(table);
    this.#applied = table.version;
  }

  #heard(): void {
    this.#contactAt = this.#options.clock.now();
    if (this.#contactAt - this.#touchedAt < touchEveryMs) return;
    this.#touchedAt = this.#contactAt;
    void this.#file.touch(this.#contactAt);
  }

  async #report(): Promise<void> {
    if (!this.#isConnected || this.#isStopped) return;
    if (this.#reporting) {
      this.#reportAgain = true;
      return;
    }
    this.#reporting = true;
    this.#reported = this.#tell();
    await this.#reported;
    this.#reporting = false;
    if (this.#reportAgain) {
      this.#reportAgain = false;
      this.changed();
    }
  }

  async #tell(): Promise<void> {
    const facts = this.#options.report();
    this.#unsent = [...this.#unsent, ...facts.incidents].slice(-keptIncidents);
    const report: GatewayReport = {
      gateway: this.#options.gateway,
      startedAt: this.#startedAt,
      applied: this.#applied,
      ...facts,
      incidents: this.#unsent,
    };
    const { status, usage } = await this.#post(JSON.stringify(report));
    const isTaken = status === 204 || status === 200;
    if (isTaken) this.#heard();
    if (usage !== undefined) this.#options.onUsageKept?.(usage);
    // What control cannot read it would not read the next time either, and no report would ever arrive again.
    if (status === 400) {
      this.#options.log.error({ status }, 'control cannot read a report of this gateway; it is dropped');
      this.#options.onUnreadable?.();
    }
    if (isTaken || status === 400) this.#unsent = [];
    else this.#options.giveBack?.(facts);
  }

  #post(body: string): Promise<ReportAnswer> {
    return new Promise<ReportAnswer>((resolve) => {
      const request = this.#control.request({
        method: 'POST',
        path: '/internal/v1/reports',
        headers: {
          authorization: `Bearer ${this.#options.token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
        timeout: reportTimeoutMs,
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(noAnswer));
      request.on('response', (response) => void readReportAnswer(response).then(resolve));
      request.end(body);
    });
  }
}

/** @file Hands the tasks of jobs to workers, first job first: starts workers when there is work, replaces those that die. */

import { TangedgeError } from '../core/errors.ts';
import type { JobRun, Task } from './job-run.ts';
import { defaultWorkerUrl } from './thread.ts';
import { startInlineLink, startThreadLink, type ThreadOptions, WorkerDeath, type WorkerLink, workerError } from './worker-link.ts';

/** Milliseconds that a worker may go on computing for a job that is over before it is ended. */
const GRACE = 20;
/** Times in a row that a worker may fail to start where others did. */
const MAX_START_FAILURES = 4;

/** A place for a worker. */
interface Slot {
  readonly inline: boolean;
  link: WorkerLink | undefined;
  task: Task | undefined;
}

export class Scheduler {
  private readonly options: ThreadOptions;
  private readonly slots: Slot[];
  private readonly runs: JobRun[] = [];
  private readonly ending = new Set<Promise<void>>();
  private closed = false;
  /** Once a worker has answered, one that dies is replaced; before, workers do not start here. */
  private started = false;

  constructor(threads: number, options: ThreadOptions) {
    this.options = options;
    const slot = (inline: boolean): Slot => ({ inline, link: undefined, task: undefined });
    this.slots = [...Array.from({ length: threads }, () => slot(false)), slot(true)];
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Whether worker threads are there already. */
  get hasStarted(): boolean {
    return this.started;
  }

  /** Starts every thread and waits until all answer. @throws {TangedgeError} ERR_WORKER when one does not */
  async startAll(): Promise<void> {
    const threads = this.slots.filter(({ inline }) => !inline);
    const starts = await Promise.allSettled(threads.map((slot) => this.linkOf(slot)));
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    for (const { link } of threads) link?.keepAlive(false);
  }

  add(run: JobRun): void {
    if (this.closed) run.fail(closedError());
    this.runs.push(run);
    this.dispatch();
  }

  /** Ends a job with a reason; workers that compute for it are freed, by force if need be. */
  abort(run: JobRun, reason: unknown): void {
    run.fail(reason);
    this.remove(run);
    const busy = this.slots.filter(({ task }) => task?.run === run);
    if (busy.length === 0) return;
    const late = busy.map((slot) => [slot, slot.task] as const);
    setTimeout(() => {
      for (const [slot, task] of late) if (slot.task === task && !slot.inline && slot.link) this.end(slot.link);
    }, GRACE);
  }

  /** Rejects what is pending, ends every worker, and resolves when they have stopped. */
  async close(): Promise<void> {
    this.closed = true;
    const error = closedError();
    for (const run of this.runs.splice(0)) run.fail(error);
    for (const slot of this.slots) {
      if (slot.link) this.end(slot.link);
      slot.link = undefined;
    }
    while (this.ending.size > 0) await Promise.all(this.ending);
  }

  private end(link: WorkerLink): void {
    this.awaitedByClose(link.terminate());
  }

  private awaitedByClose(work: Promise<unknown>): void {
    const ended: Promise<void> = work.then(
      () => {},
      () => {}, // whoever started it handles its failure
    );
    this.ending.add(ended);
    void ended.then(() => this.ending.delete(ended));
  }

  private remove(run: JobRun): void {
    const index = this.runs.indexOf(run);
    if (index >= 0) this.runs.splice(index, 1);
  }

  /** Gives every free worker something to do, as long as there is. */
  private dispatch(): void {
    if (this.closed) return;
    for (const slot of this.slots) {
      if (slot.task) continue;
      const task = this.nextTask(slot);
      if (task === undefined) continue;
      slot.task = task;
      task.run.working++;
      void this.execute(slot, task);
    }
  }

  private nextTask({ inline, link }: Slot): Task | undefined {
    for (const run of this.runs) {
      const task = run.inline === inline ? run.take(link) : undefined;
      if (task) return task;
    }
    return undefined;
  }

  private async execute(slot: Slot, task: Task): Promise<void> {
    const { run } = task;
    let placed = () => {};
    try {
      const link = await this.linkOf(slot);
      link.keepAlive(true);
      if (!run.over) placed = run.complete(task, await run.compute(task, link));
    } catch (error) {
      if (error instanceof WorkerDeath) run.retry(task, error);
      else run.fail(error);
    }
    slot.task = undefined;
    run.working--;
    if (!run.over) this.dispatch(); // the worker goes on while its part is placed
    placed();
    if (run.over) {
      this.remove(run);
      this.dispatch();
    }
    if (slot.task === undefined) await this.rest(slot);
  }

  /** An idle worker lets the process end, and drops a job that is over: its arrays are free again. */
  private async rest(slot: Slot): Promise<void> {
    const { link } = slot;
    if (link === undefined || !link.alive) return;
    const open = this.runs.find(({ id }) => id === link.job);
    try {
      if (link.job !== undefined && open === undefined) await link.close();
    } catch {
      // It died while idle: the next task that needs a worker starts one.
    }
    if (slot.task === undefined) link.keepAlive(false);
  }

  /** The slot's worker; a new one when there is none or it died. */
  private async linkOf(slot: Slot): Promise<WorkerLink> {
    if (slot.link?.alive) return slot.link;
    const starting = this.startLink(slot.inline);
    this.awaitedByClose(starting);
    slot.link = undefined;
    const link = await starting;
    if (this.closed) {
      this.end(link);
      throw closedError();
    }
    slot.link = link;
    return link;
  }

  private async startLink(inline: boolean): Promise<WorkerLink> {
    if (inline) return startInlineLink(this.options.runtime);
    for (let failures = 0; ; ) {
      try {
        const link = await startThreadLink(this.options);
        this.started = true;
        return link;
      } catch (error) {
        if (!(error instanceof WorkerDeath)) throw error;
        if (!this.started) throw workerError(this.options.workerUrl ?? defaultWorkerUrl(), error);
        // Workers have started here before: this one was unlucky, or memory is short. It gets a few more chances.
        if (++failures === MAX_START_FAILURES || this.closed) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10 * failures));
      }
    }
  }
}

export function closedError(): TangedgeError {
  return new TangedgeError('ERR_CLOSED', 'pool: it is closed. Make another with createPool.', {});
}

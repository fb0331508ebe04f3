/** @file A peer: another library in a process of its own, asked for one sample of a task at a time, so that rounds interleave. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { peerEnvironment } from './openblas.ts';
import type { Task } from './task.ts';

/** What can be timed beside us. */
export interface Rival {
  readonly name: string;
  /** Seconds of one run, or null when it does not do this or failed. */
  sample(task: Task): Promise<number | null>;
}

/**
 * The protocol, one JSON object a line. The peer first says { name } or { skipped }; then for each { task } it answers
 * { seconds }, or { seconds: null } when it has no such function. The first request for a task prepares and warms it up.
 */
export class Peer implements Rival {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly replies: AsyncIterator<string>;

  private constructor(name: string, child: ChildProcess, replies: AsyncIterator<string>) {
    this.name = name;
    this.child = child;
    this.replies = replies;
  }

  /** The peer, or why there is none here; `openblas` is the kernel that OpenBLAS is told to run. */
  static async start(command: string, args: readonly string[], absent: string, openblas = {}): Promise<Peer | { readonly skipped: string }> {
    const child = spawn(command, args, { env: peerEnvironment(openblas), stdio: ['pipe', 'pipe', 'ignore'] });
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await replies.next();
    const hello: { name?: string; skipped?: string } = first.done ? {} : JSON.parse(first.value);
    if (hello.name === undefined) {
      child.kill();
      return { skipped: hello.skipped ?? absent };
    }
    return new Peer(hello.name, child, replies);
  }

  async sample(task: Task): Promise<number | null> {
    this.child.stdin?.write(`${JSON.stringify({ task })}\n`);
    const reply = await this.replies.next();
    return reply.done ? null : (JSON.parse(reply.value).seconds as number | null);
  }

  stop(): void {
    this.child.kill();
  }
}

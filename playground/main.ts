/** @file The page: files are chosen or dropped, analyzed in workers, and shown as the report that the command line writes. */

import type { AnalysisProgress } from 'tangedge';
import { analysisOf } from './analysis.ts';
import { type Choice, choiceFor, choiceName, fieldsOf, rolesOf } from './chosen-files.ts';
import { element } from './element.ts';
import { fileSlots } from './file-slots.ts';
import type { Finished, Order, Role } from './messages.ts';
import { progressTexts } from './progress-texts.ts';
import { reportView } from './report-view.ts';

type State = 'choosing' | 'working' | 'done';

const chosen = new Map<Role, Choice>();
const slots = fileSlots(element('slots'), {
  onPick: (role, file) => void take([file], role),
  onChange: (role, choice) => {
    if (choice) chosen.set(role, choice);
    else chosen.delete(role);
    showChoice();
  },
});
const result = reportView(element('result'));
let running = new AbortController();

element('machine').textContent =
  `Computed in this browser, by ${navigator.hardwareConcurrency} workers${crossOriginIsolated ? ' with shared memory' : ''}; no file leaves this computer.`;
element('analyze').addEventListener('click', () => {
  const names = [...chosen.values()].map(choiceName).join(', ');
  void run({ kind: 'files', fields: fieldsOf(chosen, dtype()) }, names);
});
element('demo').addEventListener('click', () => void run({ kind: 'demo', dtype: dtype() }, 'The digits demo.'));
element('cancel').addEventListener('click', () => running.abort());
element('again').addEventListener('click', () => {
  result.clear();
  show('choosing');
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
document.addEventListener('dragleave', ({ relatedTarget }) => {
  if (relatedTarget === null) document.body.classList.remove('dragging');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  if (document.body.dataset.state === 'choosing') void take(Array.from(event.dataTransfer?.files ?? []), slots.roleAt(event.target));
});
showChoice();

/** Takes files that were dropped or picked: a single one on its place is what that place is for. */
async function take(files: readonly File[], place: Role | undefined): Promise<void> {
  fail(undefined);
  try {
    const choices = place && files.length === 1 ? new Map([[place, await choiceFor(place, files[0])]]) : await rolesOf(files);
    for (const [role, choice] of choices) slots.choose(role, choice);
  } catch (error) {
    fail((error as Error).message);
  }
}

async function run(order: Order, subject: string): Promise<void> {
  running = new AbortController();
  fail(undefined);
  element('subject').textContent = subject;
  showProgress({ stage: 'starting', fraction: 0 });
  show('working');
  const start = performance.now();
  try {
    const finished: Finished = await analysisOf(order, {
      signal: running.signal,
      onProgress: (progress) => showProgress(progress, (performance.now() - start) / 1000),
    });
    show('done');
    result.show(finished);
  } catch (error) {
    show('choosing');
    if (!running.signal.aborted) fail((error as Error).message);
  }
}

function showProgress(progress: AnalysisProgress, seconds = 0): void {
  element<HTMLProgressElement>('progress').value = progress.fraction;
  const { stage, tiles, time } = progressTexts(progress, seconds);
  element('stage').textContent = stage;
  element('tiles').textContent = tiles;
  element('time').textContent = time;
}

function showChoice(): void {
  const missing = (['model', 'inputs'] as const).filter((role) => !chosen.has(role));
  element<HTMLButtonElement>('analyze').disabled = missing.length > 0;
  element('missing').textContent =
    missing.length > 0 && missing.length < 2 ? `The ${missing[0]} ${missing[0] === 'model' ? 'is' : 'are'} missing.` : '';
}

function show(state: State): void {
  document.body.dataset.state = state;
  element('work').hidden = state !== 'working';
}

/** The one line that says what is wrong. */
function fail(line: string | undefined): void {
  element('failure').hidden = line === undefined;
  element('failure').textContent = line ?? '';
  if (line !== undefined) element('failure').scrollIntoView({ block: 'nearest' });
}

function dtype(): 'f64' | 'f32' {
  return element<HTMLSelectElement>('dtype').value as 'f64' | 'f32';
}

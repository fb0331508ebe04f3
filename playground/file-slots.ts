/** @file The list of places for files: one picker for each role, with the name and size of what was chosen. */

import { type Choice, choiceName } from './chosen-files.ts';
import { ROLES, type Role } from './messages.ts';

export interface FileSlots {
  choose(role: Role, choice: Choice): void;
  /** The place that an event hit, if any. */
  roleAt(target: EventTarget | null): Role | undefined;
}

const PLACES: Readonly<Record<Role, { readonly title: string; readonly hint: string; readonly accept: string }>> = {
  model: { title: 'Model', hint: '.onnx, or a .json spec', accept: '.onnx,.json' },
  inputs: { title: 'Inputs', hint: '.npy or .npz [n, …], a batch of examples', accept: '.npy,.npz' },
  targets: { title: 'Targets', hint: 'optional: .npy or .npz, class numbers [n] or values [n, c]', accept: '.npy,.npz' },
  initial: { title: 'Before training', hint: 'optional: the same network, untrained', accept: '.onnx,.safetensors' },
  weights: { title: 'Weights', hint: 'of a .json spec: .safetensors', accept: '.safetensors' },
};

export interface SlotEvents {
  /** A file was picked for the role; `choose` accepts it. */
  onPick(role: Role, file: File): void;
  /** The role has another choice, or none since it was taken out. */
  onChange(role: Role, choice: Choice | undefined): void;
}

/** Fills `list` with the places. */
export function fileSlots(list: HTMLElement, events: SlotEvents): FileSlots {
  const slots = new Map(ROLES.map((role) => [role, fileSlot(role, events)]));
  list.append(...[...slots.values()].map(({ item }) => item));
  return {
    choose: (role, choice) => slots.get(role)?.choose(choice),
    roleAt: (target) => ROLES.find((role) => target instanceof Node && slots.get(role)?.item.contains(target)),
  };
}

function fileSlot(role: Role, { onPick, onChange }: SlotEvents) {
  const { title, hint, accept } = PLACES[role];
  const item = document.createElement('li');
  const label = item.appendChild(document.createElement('label'));
  label.append(text('role', title));
  const shown = label.appendChild(text('file', hint));
  const input = label.appendChild(document.createElement('input'));
  Object.assign(input, { type: 'file', accept, className: 'hidden', id: role });
  const remove = item.appendChild(document.createElement('button'));
  Object.assign(remove, { type: 'button', className: 'remove', textContent: '×', hidden: true });
  const choose = (choice: Choice | undefined) => {
    const name = choice && choiceName(choice);
    shown.replaceChildren(name ?? hint, ...(choice ? [text('size', `  ${byteCount(choice.file.size)}`)] : []));
    item.classList.toggle('chosen', choice !== undefined);
    remove.hidden = choice === undefined;
    remove.setAttribute('aria-label', `Take ${name} out`);
    onChange(role, choice);
  };
  input.addEventListener('change', () => {
    if (input.files?.[0]) onPick(role, input.files[0]);
    input.value = ''; // the same file may be chosen again, after it was taken out
  });
  remove.addEventListener('click', () => choose(undefined));
  return { item, choose };
}

function text(className: string, content: string): HTMLSpanElement {
  const span = document.createElement('span');
  Object.assign(span, { className, textContent: content });
  return span;
}

/** `105 kB`. */
function byteCount(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

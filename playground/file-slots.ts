/** @file The list of places for files: one picker for each role, with the name and size of what was chosen. */

import { ROLES, type Role } from './chosen-files.ts';

export interface FileSlots {
  choose(role: Role, file: File): void;
  /** The place that an event hit, if any. */
  roleAt(target: EventTarget | null): Role | undefined;
}

const PLACES: Readonly<Record<Role, { readonly title: string; readonly hint: string; readonly accept: string }>> = {
  model: { title: 'Model', hint: '.onnx, or a .json spec', accept: '.onnx,.json' },
  inputs: { title: 'Inputs', hint: '.npy [n, …], a batch of examples', accept: '.npy' },
  targets: { title: 'Targets', hint: 'optional: .npy, class numbers [n] or values [n, c]', accept: '.npy' },
  initial: { title: 'Before training', hint: 'optional: the same network, untrained', accept: '.onnx,.safetensors' },
  weights: { title: 'Weights', hint: 'of a .json spec: .safetensors', accept: '.safetensors' },
};

/** Fills `list` with the places; `onChange` hears of every file that is chosen, and of undefined when one is taken out. */
export function fileSlots(list: HTMLElement, onChange: (role: Role, file: File | undefined) => void): FileSlots {
  const slots = new Map(ROLES.map((role) => [role, fileSlot(role, (file) => onChange(role, file))]));
  list.append(...[...slots.values()].map(({ item }) => item));
  return {
    choose: (role, file) => slots.get(role)?.choose(file),
    roleAt: (target) => ROLES.find((role) => target instanceof Node && slots.get(role)?.item.contains(target)),
  };
}

function fileSlot(role: Role, onChange: (file: File | undefined) => void) {
  const { title, hint, accept } = PLACES[role];
  const item = document.createElement('li');
  const label = item.appendChild(document.createElement('label'));
  label.append(text('role', title));
  const shown = label.appendChild(text('file', hint));
  const input = label.appendChild(document.createElement('input'));
  Object.assign(input, { type: 'file', accept, className: 'hidden', id: role });
  const remove = item.appendChild(document.createElement('button'));
  Object.assign(remove, { type: 'button', className: 'remove', textContent: '×', hidden: true });
  const choose = (file: File | undefined) => {
    shown.replaceChildren(file?.name ?? hint, ...(file ? [text('size', `  ${byteCount(file.size)}`)] : []));
    item.classList.toggle('chosen', file !== undefined);
    remove.hidden = file === undefined;
    remove.setAttribute('aria-label', `Take ${file?.name} out`);
    onChange(file);
  };
  input.addEventListener('change', () => {
    if (input.files?.[0]) choose(input.files[0]);
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

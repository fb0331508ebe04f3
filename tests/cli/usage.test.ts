/** @file Usage errors of the command line: one line that says what to do, status 2; help and version: status 0. */

import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();

test('--version prints the version of package.json', async () => {
  expect(await scratch.run('--version')).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' });
});

test('--help lists the commands, and the common options for a command', async () => {
  const program = await scratch.run('--help');
  expect(program.status).toBe(0);
  expect(program.stdout).toMatch(/^ {2}forward /m);
  const command = await scratch.run('forward', '--help');
  expect(command.status).toBe(0);
  for (const option of [
    '--inputs',
    '--dtype',
    '--workers',
    '--memory-limit',
    '--batch',
    '--seed',
    '--json',
    '--quiet',
    '--parameters',
    '--freeze',
    '--output',
  ]) {
    expect(command.stdout).toContain(option);
  }
});

test.each([
  ['no command', [], /a command is missing.*--help/],
  ['an unknown command', ['foward'], /unknown command 'foward'.*Did you mean forward\?/],
  ['an unknown option', ['forward', 'm.json', '--input', 'x.npy'], /unknown option '--input'.*Did you mean --inputs\?/],
  ['a required option left out', ['forward', 'm.json', '--out', 'f.npy'], /forward needs the option --inputs <X>/],
  ['an operand left out', ['forward', '--inputs', 'x.npy', '--out', 'f.npy'], /missing required argument 'model'/],
  ['an operand too many', ['forward', 'm.json', 'n.json', '--inputs', 'x.npy', '--out', 'f.npy'], /too many arguments/],
  ['a value forgotten', ['forward', 'm.json', '--inputs', '--out', 'f.npy'], /--inputs.*A value is missing/],
  ['an option given twice', ['forward', 'm.json', '--inputs', 'x.npy', '--inputs', 'z.npy', '--out', 'f.npy'], /--inputs.*given twice/],
  ['a dtype that is none', ['forward', 'm.json', '--inputs', 'x.npy', '--out', 'f.npy', '--dtype', 'f16'], /--dtype.*f16.*one of f64, f32/],
  ['a batch of zero', ['forward', 'm.json', '--inputs', 'x.npy', '--out', 'f.npy', '--batch', '0'], /--batch.*'0'.*at least 1/],
  [
    'a batch with a unit',
    ['forward', 'm.json', '--inputs', 'x.npy', '--out', 'f.npy', '--memory-limit', '64MB'],
    /--memory-limit.*'64MB'.*whole number/,
  ],
  ['a parameter named twice', ['forward', 'm.json', '--inputs', 'x.npy', '--out', 'f.npy', '--parameters', 'a,a'], /--parameters.*twice/],
] as const)('%s', async (_, args, message) => {
  expectFailure(await scratch.run(...args), 2, message);
  expect(scratch.list()).toEqual([]);
});

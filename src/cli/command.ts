/** @file How a command is declared: its own options, the common ones, and which of those act in it. */

import { Command, CommanderError } from 'commander';
import { nameList, once, oneOf, plainText, wholeNumber } from './option-values.ts';
import { type CommonOption, type CommonOptions, openSession, type Session } from './session.ts';

export interface CommandSpec<Options> {
  readonly name: string;
  readonly summary: string;
  /** Positional arguments with what they are, as in `<model>`. */
  readonly operands: Readonly<Record<string, string>>;
  /** Adds the command's own options. */
  readonly declare: (command: Command) => Command;
  /** Own options that must be given. commander would ask for them before it says that `--input` is none. */
  readonly required?: readonly (keyof Options & string)[];
  /** Common options with an effect here, beside those that act everywhere. */
  readonly acts: readonly CommonOption[];
  readonly run: (session: Session, options: Options & CommonOptions, ...operands: string[]) => Promise<void>;
}

const ACT_EVERYWHERE: readonly CommonOption[] = ['memoryLimit', 'wide', 'fused', 'json', 'quiet'];

/** A commander command that opens a Session and runs. An option without effect is said, not ignored. */
export function defineCommand<Options>(spec: CommandSpec<Options>): Command {
  const command = new Command(spec.name).summary(spec.summary).description(spec.summary);
  for (const [operand, meaning] of Object.entries(spec.operands)) command.argument(operand, meaning);
  spec.declare(command.optionsGroup('Options:'));
  addCommonOptions(command.optionsGroup('Common options:'));
  return command.action(async (...received: unknown[]) => {
    const operands = received.slice(0, Object.keys(spec.operands).length) as string[];
    const options = received[operands.length] as Options & CommonOptions;
    for (const name of spec.required ?? []) if (options[name] === undefined) throw missingOption(command, name);
    const session = await openSession(spec.name, options);
    try {
      for (const note of notesOn(spec, options)) session.note(note);
      await spec.run(session, options, ...operands);
    } finally {
      await session.close();
    }
  });
}

function missingOption(command: Command, name: string): CommanderError {
  const flags = command.options.find((option) => option.attributeName() === name)?.flags;
  return new CommanderError(2, 'tangedge.missingOption', `${command.name()} needs the option ${flags}.`);
}

function notesOn({ name, acts }: CommandSpec<never>, options: CommonOptions): string[] {
  return Object.keys(COMMON_FLAGS)
    .filter((key): key is CommonOption => options[key as CommonOption] !== undefined)
    .filter((key) => !acts.includes(key) && !ACT_EVERYWHERE.includes(key))
    .map((key) => `--${key} has no effect in ${name}.`);
}

const COMMON_FLAGS: Readonly<Record<CommonOption, true>> = {
  dtype: true,
  workers: true,
  memoryLimit: true,
  batch: true,
  seed: true,
  wide: true,
  fused: true,
  json: true,
  quiet: true,
  parameters: true,
  freeze: true,
  output: true,
};

function addCommonOptions(command: Command): Command {
  return command
    .option('--dtype <f64|f32>', 'element type of the computation (default f64)', once(oneOf(['f64', 'f32'] as const)))
    .option('--workers <N>', 'worker threads (default: the number of cores); 0 or 1 computes in this one', once(wholeNumber(0, 1024)))
    .option('--memory-limit <BYTES>', 'most bytes to use; more is refused before it is allocated', once(wholeNumber(1)))
    .option('--batch <N>', 'examples per sweep through the model', once(wholeNumber(1)))
    .option('--seed <N>', 'seed of random numbers (default 0)', once(wholeNumber(0, 0xffff_ffff)))
    .option('--wide', 'vectors of 256 bits, the same results faster; Node 24 or newer only')
    .option('--fused', 'multiply and add in one instruction, with other rounding errors; up to twice as fast, with --wide three times')
    .option('--json', 'print one JSON object on stdout and nothing else')
    .option('--quiet', 'no progress, notes or summary')
    .option('--parameters <LIST>', 'only these parameters, as info names them, separated by commas', once(nameList))
    .option('--freeze <LIST>', 'all but these parameters', once(nameList))
    .option('--output <NAME>', 'which output of the model', once(plainText));
}

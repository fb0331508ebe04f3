/** @file The program's commands. */

import { Command } from 'commander';
import { VERSION } from '../core/version.ts';
import { agopCommand } from './commands/agop.ts';
import { analyzeCommand } from './commands/analyze.ts';
import { demoCommand } from './commands/demo.ts';
import { eighCommand } from './commands/eigh.ts';
import { forwardCommand } from './commands/forward.ts';
import { infoCommand } from './commands/info.ts';
import { jacobianCommand } from './commands/jacobian.ts';
import { ktaCommand } from './commands/kta.ts';
import { nfaCommand } from './commands/nfa.ts';
import { ntkCommand } from './commands/ntk.ts';
import { reproduceCommand } from './commands/reproduce.ts';
import { trainCommand } from './commands/train.ts';

/** The parser of the whole command line. It throws CommanderError instead of exiting, and prints nothing but help. */
export function createProgram(): Command {
  const commands = [
    demoCommand(),
    analyzeCommand(),
    infoCommand(),
    forwardCommand(),
    ntkCommand(),
    jacobianCommand(),
    agopCommand(),
    eighCommand(),
    ktaCommand(),
    nfaCommand(),
    trainCommand(),
    reproduceCommand(),
  ];
  const program = new Command('tangedge')
    .description('What a neural network has learned, from its tangent kernel (NTK), kernel-target alignment and neural feature ansatz.')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  return program;
}

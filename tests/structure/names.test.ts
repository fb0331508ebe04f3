/** @file House spelling, file sizes and headers, named exports, and the arithmetic that would change bits between runtimes. */

import { basename } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { linesMatching, readSource, sourceFiles } from './source-files.ts';

const library = sourceFiles('src', 'workers');
const assembly = sourceFiles('assembly');
const everything = [...library, ...assembly, ...sourceFiles('bench', 'playground', 'tests')].filter((path) => !path.startsWith('tests/structure/'));

describe('spelling', () => {
  test.each([
    ['acronyms are words (Ntk, not NTK)', /\b\w*NTK[A-Z]\w*/, everything],
    ['eigenvalues are `values`', /eigen_?vals/i, library],
    ['a Gram matrix is a gram', /gram_?mat(?!rix)/i, everything],
    ['a kernel is mathematics; compiled code is a routine', /\bkernels\b/, assembly],
  ])('%s', (_, pattern, paths) => {
    expect(linesMatching(paths, pattern)).toEqual([]);
  });

  test('no file is named utils, helpers, common or misc', () => {
    expect(everything.filter((path) => /^(utils?|helpers?|common|misc)\b/.test(basename(path)))).toEqual([]);
  });
});

describe('files', () => {
  test('at most 400 lines each', () => {
    const long = [...library, ...assembly].map((path) => [path, readSource(path).split('\n').length - 1] as const).filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  test('each opens with a `@file` sentence', () => {
    expect([...library, ...assembly].filter((path) => !/^(#!.*\n)?\/\*\*\s*(\*\s*)?@file \S/.test(readSource(path)))).toEqual([]);
  });

  test('named exports only', () => {
    const exempt = ['workers/cloudflare.ts'];
    expect(
      linesMatching(
        library.filter((path) => !exempt.includes(path)),
        /^export default\b|\bas default\b/,
      ),
    ).toEqual([]);
  });

  test('an index.ts only re-exports', () => {
    const withLogic = library
      .filter((path) => basename(path) === 'index.ts')
      .filter((path) => {
        const { statements } = ts.createSourceFile(path, readSource(path), ts.ScriptTarget.Latest);
        return !statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined);
      });
    expect(withLogic).toEqual([]);
  });
});

describe('equal bits in every runtime', () => {
  /** Functions whose last bit the language leaves to the engine, and the one that is not repeatable. */
  const INEXACT = /\bMath\.(a?cosh?|a?sinh?|a?tanh?|atan2|cbrt|exp|expm1|hypot|log|log1p|log2|log10|pow|random)\b|\bMath\[|(?<![*/])\*\*(?![*/])/;

  test('src/ calls no transcendental Math function, no Math.random and no **', () => {
    const suspects = library.filter((path) => INEXACT.test(readSource(path)));
    const offenders = suspects.flatMap((path) =>
      withoutComments(readSource(path))
        .split('\n')
        .flatMap((line, index) => (INEXACT.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(offenders).toEqual([]);
  });

  test('the pattern finds what it is for', () => {
    for (const code of ['Math.tanh(x)', 'x ** 2', 'Math.log2(n)', 'xs.map(Math.exp)', "Math['exp'](1)"]) expect(code).toMatch(INEXACT);
    for (const code of ['Math.sqrt(x)', 'Math.abs(x)', 'Math.floor(a * b)', 'Math.imul(a, b)']) expect(code).not.toMatch(INEXACT);
    expect(
      withoutComments('a; // x ** 2\nb; /** Math.exp\n * */ c;')
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual(['a;', 'b;', '      c;']);
  });

  /** The source with comments blanked and its line breaks kept; text in strings stays. */
  function withoutComments(text: string): string {
    let code = '';
    const visit = (node: ts.Node): void => {
      if (ts.isJSDoc(node)) return;
      if (node.getChildCount() > 0) {
        for (const child of node.getChildren()) visit(child);
        return;
      }
      const [trivia, token] = [node.getFullStart(), node.getStart(undefined, false)];
      code += text.slice(trivia, token).replace(/[^\n]/g, ' ') + text.slice(token, node.getEnd());
    };
    visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true));
    return code;
  }
});

/** @file The JSON schema of a report, read off the TypeScript types with the compiler: interfaces become definitions, comments become descriptions. */

import ts from 'typescript';

export const SCHEMA_ID = 'urn:tangedge:report:1';

type Json = { readonly [key: string]: unknown };

/** A draft 2020-12 schema of `root` and every interface of `source` that it reaches. Objects are closed and every property is required. */
export function schemaFromTypes(source: string, root: string, id = SCHEMA_ID): Json {
  const file = ts.createSourceFile('report.ts', source, ts.ScriptTarget.ES2022, true);
  const interfaces = new Map(file.statements.filter(ts.isInterfaceDeclaration).map((declaration) => [declaration.name.text, declaration]));
  const aliases = new Map(file.statements.filter(ts.isTypeAliasDeclaration).map((declaration) => [declaration.name.text, declaration.type]));
  const constants = stringConstants(file);
  const definitions: Record<string, Json> = {};
  const define = (name: string): void => {
    if (name in definitions) return;
    const alias = aliases.get(name);
    if (alias !== undefined) {
      definitions[name] = typeSchema(alias, refer);
      return;
    }
    const declaration = interfaces.get(name);
    if (declaration === undefined) throw new Error(`schema: no interface ${name}`);
    definitions[name] = {};
    definitions[name] = { ...described(declaration), ...objectSchema(declaration.members, refer) };
  };
  const refer: Refer = (reference) => {
    const constant = constants.get(reference);
    if (constant !== undefined) return constant;
    define(reference);
    return { $ref: `#/$defs/${reference}` };
  };
  define(root);
  const { [root]: top, ...rest } = definitions;
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: id, title: root, ...top, $defs: rest };
}

type Refer = (name: string) => Json;

/** What `typeof NAME` allows: of `const FORMAT = 'text'` the text, of `const NAMES = ['a', 'b'] as const` each of them. */
function stringConstants(file: ts.SourceFile): Map<string, Json> {
  const declarations = file.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => [...declarationList.declarations]);
  return new Map(
    declarations.flatMap(({ name, initializer }): [string, Json][] => {
      if (initializer === undefined) return [];
      if (ts.isStringLiteral(initializer)) return [[name.getText(), { const: initializer.text }]];
      const list = ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (!(ts.isArrayLiteralExpression(list) && list.elements.every(ts.isStringLiteral))) return [];
      return [[name.getText(), { enum: list.elements.map((element) => (element as ts.StringLiteral).text) }]];
    }),
  );
}

function objectSchema(all: ts.NodeArray<ts.TypeElement>, refer: Refer): Json {
  const members = all.filter(ts.isPropertySignature);
  const properties = Object.fromEntries(
    members.map((member) => [member.name.getText(), { ...described(member), ...typeSchema(member.type as ts.TypeNode, refer) }]),
  );
  const required = members.filter(({ questionToken }) => questionToken === undefined).map(({ name }) => name.getText());
  return { type: 'object', properties, required, additionalProperties: false };
}

function typeSchema(node: ts.TypeNode, refer: Refer): Json {
  if (ts.isParenthesizedTypeNode(node)) return typeSchema(node.type, refer);
  if (ts.isTypeOperatorNode(node)) return typeSchema(node.type, refer);
  if (ts.isArrayTypeNode(node)) return { type: 'array', items: typeSchema(node.elementType, refer) };
  if (ts.isTypeLiteralNode(node)) return objectSchema(node.members, refer);
  if (ts.isTypeQueryNode(node)) return refer(node.exprName.getText());
  if (ts.isIndexedAccessTypeNode(node)) return typeSchema(node.objectType, refer);
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === 'Readonly')
    return typeSchema((node.typeArguments as ts.NodeArray<ts.TypeNode>)[0], refer);
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === 'Record') {
    return { type: 'object', additionalProperties: typeSchema((node.typeArguments as ts.NodeArray<ts.TypeNode>)[1], refer) };
  }
  if (ts.isTypeReferenceNode(node)) return refer(node.typeName.getText());
  if (ts.isLiteralTypeNode(node)) return node.literal.kind === ts.SyntaxKind.NullKeyword ? { type: 'null' } : { const: literalText(node) };
  if (ts.isUnionTypeNode(node)) return unionSchema(node, refer);
  switch (node.kind) {
    case ts.SyntaxKind.StringKeyword:
      return { type: 'string' };
    case ts.SyntaxKind.NumberKeyword:
      return { type: 'number' };
    case ts.SyntaxKind.BooleanKeyword:
      return { type: 'boolean' };
    default:
      throw new Error(`schema: cannot express ${node.getText()}`);
  }
}

function unionSchema({ types }: ts.UnionTypeNode, refer: Refer): Json {
  const members = types.map((member) => typeSchema(member, refer));
  if (members.every((member) => 'const' in member)) return { enum: members.map((member) => member.const) };
  const simple = members.every((member) => Object.keys(member).length === 1 && 'type' in member);
  return simple ? { type: members.map((member) => member.type) } : { anyOf: members };
}

function literalText({ literal }: ts.LiteralTypeNode): string {
  if (ts.isStringLiteral(literal)) return literal.text;
  throw new Error(`schema: cannot express ${literal.getText()}`);
}

function described(node: ts.Node): Json {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = comment && ts.getTextOfJSDocComment(comment.comment);
  return text ? { description: text.replace(/\s+/g, ' ') } : {};
}

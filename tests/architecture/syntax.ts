import { type Node, parseSync, type Program } from 'oxc-parser';

/** Parses a file, and throws where it cannot, so that a rule never passes because a file was not read. */
export function parse(path: string, text: string): Program {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message ?? 'not parsed'}`);
  return program;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Calls `visit` with every node below `node` and the nodes above it, the nearest first. */
export function walk(
  node: Node,
  visit: (node: Node, above: readonly Node[]) => void,
  above: readonly Node[] = [],
): void {
  visit(node, above);
  const inside = [node, ...above];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, inside);
  }
}

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

export interface Import {
  readonly from: string;
  readonly line: number;
}

/** Everything that a file imports, by whatever syntax: static, re-export, `import()`, `require`, `import type`. */
export function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const note = (source: Node | null | undefined): void => {
    if (!source) return;
    const from = source.type === 'Literal' && typeof source.value === 'string' ? source.value : '(computed)';
    found.push({ from, line: lineOf(text, source.start) });
  };
  walk(parse(path, text), (node) => {
    if (node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration') note(node.source);
    else if (node.type === 'ExportNamedDeclaration') note(node.source);
    else if (node.type === 'ImportExpression' || node.type === 'TSImportType') note(node.source);
    else if (node.type === 'TSExternalModuleReference') note(node.expression);
    else if (node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'require')
      note(node.arguments[0]);
  });
  return found;
}
